// The server's stream of changes, read with fetch instead of EventSource: so that a resume can name
// the last event after any kind of break, and a refusal (signed out) is told from a lost line.
//
// `Parser` is the text format of server-sent events; `follow` keeps a stream open, with pauses that
// grow while nobody answers.

export interface Message {
  id: string;
  event: string;
  data: string;
}

/** Cuts a text that arrives in pieces into messages; comments and unknown fields are skipped. */
export class Parser {
  private rest = "";
  private event = "";
  private data: string[] = [];
  id = "";

  push(piece: string): Message[] {
    const messages: Message[] = [];
    this.rest += piece;
    for (;;) {
      const end = this.rest.search(/\r\n|\n|\r/);
      if (end < 0) return messages;
      // A \r at the very end may be half of a \r\n; the rest comes with the next piece.
      if (this.rest[end] === "\r" && end === this.rest.length - 1) return messages;
      const width = this.rest.startsWith("\r\n", end) ? 2 : 1;
      const line = this.rest.slice(0, end);
      this.rest = this.rest.slice(end + width);
      const message = this.line(line);
      if (message) messages.push(message);
    }
  }

  private line(line: string): Message | null {
    if (line === "") {
      const message = { id: this.id, event: this.event || "message", data: this.data.join("\n") };
      const isWhole = this.data.length > 0;
      this.event = "";
      this.data = [];
      return isWhole ? message : null;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id" && !value.includes("\0")) this.id = value;
    return null;
  }
}

export interface Following {
  address: string;
  /** The id of the last message that was seen, if any was. */
  after?: string;
  onMessage: (message: Message) => void;
  onState: (state: "live" | "joining" | "away" | "refused") => void;
  /** Random from 0 to 1, and a wait; given so that tests know both. */
  chance?: () => number;
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const SHORTEST_MS = 500;
export const LONGEST_MS = 10_000;
/** The server says something every 15 s; a line that is silent for longer is dead. */
export const SILENCE_MS = 40_000;

/** How long to wait before the n-th attempt in a row: doubling, spread so that pages do not march. */
export function patience(attempt: number, chance: number): number {
  const most = Math.min(LONGEST_MS, SHORTEST_MS * 2 ** attempt);
  return Math.round(most * (0.5 + chance / 2));
}

/** Keep a stream open until `signal` says otherwise; resolves then, or when the server refuses. */
export async function follow(what: Following, signal: AbortSignal): Promise<void> {
  const { chance = Math.random, pause = wait } = what;
  let last = what.after ?? "";
  let failures = 0;
  while (!signal.aborted) {
    what.onState(failures > 1 ? "away" : "joining");
    const parser = new Parser();
    parser.id = last;
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (last) headers["Last-Event-ID"] = last;
      const ended = new AbortController();
      const either = AbortSignal.any([signal, ended.signal]);
      const answer = await fetch(what.address, { headers, signal: either, cache: "no-store" });
      if (answer.status === 401 || answer.status === 403) {
        what.onState("refused");
        return;
      }
      if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`);
      failures = 0;
      what.onState("live");
      await read(answer.body, ended, (piece) => {
        for (const message of parser.push(piece)) {
          last = message.id || last;
          what.onMessage(message);
        }
      });
    } catch {
      if (signal.aborted) return;
    }
    failures += 1;
    what.onState(failures > 1 ? "away" : "joining");
    await pause(patience(failures - 1, chance()), signal);
  }
}

async function read(
  body: ReadableStream<Uint8Array>,
  ended: AbortController,
  onPiece: (piece: string) => void,
): Promise<void> {
  const reader = body
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .getReader();
  let watchdog = setTimeout(() => ended.abort(), SILENCE_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => ended.abort(), SILENCE_MS);
      onPiece(value);
    }
  } finally {
    clearTimeout(watchdog);
    ended.abort();
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
