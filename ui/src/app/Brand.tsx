// The name and its sign.
export function Brand() {
  return (
    <span className="brand">
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <rect width="24" height="24" rx="6" fill="#4f54d8" />
        <path d="M6.2 17.8 17 7" stroke="#fff" strokeWidth="2.2" strokeLinecap="round" />
        <circle cx="17.6" cy="6.4" r="1.9" fill="#fff" />
        <path
          d="M12.6 17.6c2.6 0 4.8-2.1 4.8-4.7"
          stroke="#c6c8ff"
          strokeWidth="1.7"
          strokeLinecap="round"
          fill="none"
        />
      </svg>
      <span className="word">Batuta</span>
    </span>
  );
}
