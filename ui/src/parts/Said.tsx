// What the server says in words, in which what is to be typed stands between backticks.
export function Said({ text }: { text: string }) {
  return text.split("`").map((part, at) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text never move
    at % 2 ? <code key={at}>{part}</code> : part,
  );
}
