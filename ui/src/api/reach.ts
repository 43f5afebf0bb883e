// Whether the server answers, and since when it does not: one small store that anything may watch.

export interface Reach {
  /** When it last answered (epoch ms), 0 for never. */
  readonly answeredAt: number;
  /** Since when it does not answer, null while it does. */
  readonly awaySince: number | null;
  /** The stream of changes: live, being joined, or lost. */
  readonly stream: "live" | "joining" | "away";
}

let state: Reach = { answeredAt: 0, awaySince: null, stream: "joining" };
const watchers = new Set<() => void>();

function become(next: Partial<Reach>): void {
  state = { ...state, ...next };
  for (const watcher of watchers) watcher();
}

export const reach = {
  get: (): Reach => state,
  watch(watcher: () => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  answered(): void {
    // Seconds are as fine as anybody is shown, so not every answer draws the page anew.
    const now = Date.now();
    if (state.awaySince !== null || now - state.answeredAt > 900) {
      become({ answeredAt: now, awaySince: null });
    }
  },
  failed(): void {
    if (state.awaySince === null) become({ awaySince: Date.now() });
  },
  streaming(stream: Reach["stream"]): void {
    if (state.stream !== stream) become({ stream });
  },
};
