// Moments and spans that keep up with the clock: one timer for the whole page.
import { useSyncExternalStore } from "react";
import { usePreferences } from "../app/preferences";
import { ago, moment, span, when } from "../words/time";

let now = Date.now();
const watchers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of watchers) each();
  }, 1_000);
  return () => {
    watchers.delete(watcher);
    if (watchers.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** Epoch milliseconds, anew each second. */
export function useNow(): number {
  return useSyncExternalStore(watch, () => now);
}

/** A moment in the style that was chosen; pointing at it shows all of them. */
export function Time({ at, precise }: { at: string | null | undefined; precise?: boolean }) {
  const { time } = usePreferences();
  const present = useNow();
  const value = when(at);
  if (value === null || !at) return <span className="faint">–</span>;
  const shown =
    time === "relative"
      ? ago(value, Math.max(present, value))
      : moment(value, present, time, precise);
  const future = value > present;
  const told = time === "relative" && future ? ago(value, present) : shown;
  const title = `${moment(value, 0, "local", true)} here\n${moment(value, 0, "utc", true)}`;
  return (
    <time dateTime={at} title={title}>
      {told}
    </time>
  );
}

/** How long something took, or has been going on. */
export function Took({ from, to }: { from: string | null; to: string | null | undefined }) {
  const present = useNow();
  const start = when(from);
  if (start === null) return <span className="faint">–</span>;
  const end = when(to);
  return (
    <span className={end === null ? "number quiet" : "number"}>
      {span(
        end === null ? Math.max(0, Math.floor((present - start) / 1_000) * 1_000) : end - start,
      )}
    </span>
  );
}
