// Short words about what was just done, at the corner; read out, and gone by themselves.
import { useSyncExternalStore } from "react";
import type { Tone } from "./Mark";

interface Toast {
  id: number;
  text: string;
  tone: Tone;
}

const SHOWN_MS = 6_000;
let toasts: readonly Toast[] = [];
let next = 1;
const watchers = new Set<() => void>();

function become(list: readonly Toast[]): void {
  toasts = list;
  for (const watcher of watchers) watcher();
}

export function say(text: string, tone: Tone = "ok"): void {
  const id = next++;
  become([...toasts, { id, text, tone }]);
  setTimeout(() => become(toasts.filter((one) => one.id !== id)), SHOWN_MS);
}

export function sayTrouble(error: unknown): void {
  say(error instanceof Error ? error.message : String(error), "bad");
}

export function Toasts() {
  const shown = useSyncExternalStore(watch, () => toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div className="toast" data-tone={one.tone} key={one.id}>
          {one.text}
        </div>
      ))}
    </div>
  );
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
