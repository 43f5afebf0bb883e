// The page's own icons: 16 by 16, one stroke. They stand beside words or carry a label.

const SHAPES = {
  health: "M1.5 8.5h3l1.5-5 3.5 9 2-6 1 2h2",
  runs: "M3 3.5h10M3 8h10M3 12.5h6",
  map: "M3.5 4.5a1.5 1.5 0 1 0 0-.01M12.5 6.5a1.5 1.5 0 1 0 0-.01M6.5 12.5a1.5 1.5 0 1 0 0-.01M5 4.8l6 1.4M4.3 5.7l1.7 5.4M11.5 7.7l-3.8 3.9",
  workflow: "M5.5 3h5v3h-5zM2 10.5h4.5v3H2zM9.5 10.5H14v3H9.5zM8 6v2.2M4.2 10.5V8.2h7.6v2.3",
  dead: "M2.5 4.5h11v7.5h-11zM2.5 5l5.5 4 5.5-4M10.6 10.2l3.4 3.4M14 10.2l-3.4 3.4",
  participants:
    "M6 7.5a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM1.8 13c.4-2.2 2-3.5 4.2-3.5s3.8 1.3 4.2 3.5M10.6 3.2a2.2 2.2 0 0 1 0 4.1M12 9.8c1.3.5 2.1 1.6 2.4 3.2",
  trigger: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 4.8V8l2.3 1.6",
  catalogue: "M3 2.8h7.5A2.5 2.5 0 0 1 13 5.3v8H5a2 2 0 0 1-2-2zM3 11.3a2 2 0 0 1 2-2h8",
  settings:
    "M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6M10 6a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3ZM6 13a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3Z",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10ZM10.7 10.7 14 14",
  close: "m4 4 8 8M12 4l-8 8",
  check: "m3 8.5 3.2 3.2L13 5",
  cross: "m4.5 4.5 7 7M11.5 4.5l-7 7",
  turn: "M13.5 8A5.5 5.5 0 1 1 8 2.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "m5 3.2 7.5 4.8L5 12.8z",
  hourglass:
    "M4 2.5h8M4 13.5h8M5 2.5c0 3 6 3.2 6 5.5s-6 2.5-6 5.5M11 2.5c0 3-6 3.2-6 5.5s6 2.5 6 5.5",
  stop: "M4.5 4.5h7v7h-7z",
  warning: "M8 2.2 14.3 13H1.7zM8 6.3v3.2M8 11.3v.2",
  info: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12ZM8 7.5v3.3M8 5.2v.2",
  stuck: "M5.2 2h5.6L14 5.2v5.6L10.8 14H5.2L2 10.8V5.2zM8 5v3.6M8 10.8v.2",
  question: "M5.8 6a2.2 2.2 0 1 1 3.2 2c-.7.4-1 .8-1 1.6M8 11.8v.2",
  copy: "M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1",
  retry: "M2.5 8a5.5 5.5 0 1 0 1.8-4.1L2.5 5.5M2.5 2.5v3h3",
  plus: "M8 3v10M3 8h10",
  filter: "M2 3.5h12M4.5 8h7M6.5 12.5h3",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  save: "M4 2.5h8v11l-4-3-4 3z",
  more: "M3.5 8v.01M8 8v.01M12.5 8v.01",
  right: "m6 3.5 4.5 4.5L6 12.5",
  down: "m3.5 6 4.5 4.5L12.5 6",
  up: "M3.5 10 8 5.5l4.5 4.5",
  baton: "M3 13 11 4.5M12.2 3.3a1.3 1.3 0 1 0 0 .01M8.5 13c2.5 0 4.5-2 4.5-4.5",
  dance:
    "M4 4.5a1.8 1.8 0 1 0 0-.01M12 4.5a1.8 1.8 0 1 0 0-.01M8 12.5a1.8 1.8 0 1 0 0-.01M6 4.5h4M5 6.2l2 4.6M11 6.2l-2 4.6",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7",
  moon: "M13.5 9.5A5.7 5.7 0 0 1 6.5 2.5a5.7 5.7 0 1 0 7 7Z",
  screen: "M2 3h12v8H2zM5.5 13.5h5",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
  out: "M6.5 3H3v10h3.5M9.5 5l3 3-3 3M12.5 8h-6",
  bolt: "M9 1.8 3.5 9H8l-1 5.2L12.5 7H8z",
  flag: "M4 14V2.5h8L10 5.8l2 3.2H4",
  keyboard: "M1.5 4h13v8h-13zM4 6.8v.01M6.7 6.8v.01M9.3 6.8v.01M12 6.8v.01M5 9.5h6",
  download: "M8 2.5v7.5M4.8 7 8 10.2 11.2 7M3 13.5h10",
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name, className }: { name: IconName; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      className={className}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
