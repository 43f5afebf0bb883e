// Keeps what is shown up to date: follows the server's stream and tells the cache what changed.
//
// A change of a run goes straight into the lists that show it; what cannot be known from the change
// alone (a new run under a filter, counts) is asked for anew, at most once a second per subject. A
// page in a hidden tab lets go of its stream, since browsers allow few of them per server.
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { BASE } from "../api/http";
import { reach } from "../api/reach";
import { follow, type Message } from "../api/sse";
import type { Page, Run } from "../api/types";

const TOPICS = ["runs", "events", "dead", "participants", "sla"];
/** What stays as it is for as long as one is signed in. */
const LASTING = new Set(["session", "input", "workflow"]);
const HIDDEN_MS = 30_000;
const SETTLE_MS = 1_000;
const BRISK_MS = 200;

type Lists = { pages: Page<Run>[]; pageParams: unknown[] };

/** Asks anew, at once for the first change and then at most every `ms` while they go on. */
export class Refresher {
  private readonly waiting = new Map<string, { again: boolean }>();

  constructor(
    private readonly refresh: (key: string[]) => void,
    private readonly later: (act: () => void, ms: number) => void = (act, ms) =>
      setTimeout(act, ms),
  ) {}

  stale(key: string[], ms = SETTLE_MS): void {
    const name = key.join("\n");
    const pending = this.waiting.get(name);
    if (pending) {
      pending.again = true;
      return;
    }
    this.waiting.set(name, { again: false });
    this.refresh(key);
    this.later(() => {
      const again = this.waiting.get(name)?.again;
      this.waiting.delete(name);
      if (again) this.stale(key, ms);
    }, ms);
  }
}

/** Put a changed run into the lists that show it; says whether any of them did. */
export function patchRuns(client: QueryClient, changed: Run): boolean {
  let shown = false;
  for (const [key, data] of client.getQueriesData<Lists>({ queryKey: ["runs"] })) {
    if (!data?.pages?.some((page) => page.items.some((run) => run.id === changed.id))) continue;
    shown = true;
    client.setQueryData<Lists>(key, {
      ...data,
      pages: data.pages.map((page) => ({
        ...page,
        items: page.items.map((run) => (run.id === changed.id ? { ...run, ...changed } : run)),
      })),
    });
  }
  return shown;
}

function take(client: QueryClient, stale: Refresher, message: Message): void {
  if (message.event === "reset") {
    void client.invalidateQueries();
    return;
  }
  const data = parsed(message.data);
  const run = typeof data.run === "string" ? data.run : typeof data.id === "string" ? data.id : "";
  switch (message.event) {
    case "run.changed":
      // What ends here may no longer fit a list's filter, so lists are asked for anew as well.
      patchRuns(client, data as unknown as Run);
      stale.stale(["runs"]);
      stale.stale(["run", run], BRISK_MS);
      stale.stale(["overview"]);
      stale.stale(["sla"]);
      break;
    case "task.changed":
      stale.stale(["run", run], BRISK_MS);
      break;
    case "event.published":
      stale.stale(["events"]);
      stale.stale(["map"]);
      if (typeof data.run === "string") stale.stale(["run", run], BRISK_MS);
      break;
    case "dead.changed":
      stale.stale(["dead"]);
      stale.stale(["overview"]);
      break;
    case "participant.changed":
      stale.stale(["participants"]);
      stale.stale(["map"]);
      stale.stale(["overview"]);
      break;
    case "sla.changed":
      stale.stale(["sla"]);
      stale.stale(["overview"]);
      if (run) stale.stale(["run", run], BRISK_MS);
      break;
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Whether a query is about something that changes by itself. */
function changes(query: { queryKey: readonly unknown[] }): boolean {
  return !LASTING.has(String(query.queryKey[0]));
}

const looked = new Map<string, number>();
const restarts = new Set<() => void>();

/** Hear of the tasks of a run, too, while the caller is shown; it has to be known to the server. */
export function useLiveRun(run: string | null): void {
  useEffect(() => {
    if (run === null) return;
    looked.set(run, (looked.get(run) ?? 0) + 1);
    for (const restart of restarts) restart();
    return () => {
      const left = (looked.get(run) ?? 1) - 1;
      if (left > 0) looked.set(run, left);
      else looked.delete(run);
    };
  }, [run]);
}

/** Follow the stream while the page is in sight. */
export function useLive(): void {
  const client = useQueryClient();
  useEffect(() => {
    const stale = new Refresher((key) => void client.invalidateQueries({ queryKey: key }));
    let control: AbortController | null = null;
    let hiding: ReturnType<typeof setTimeout> | undefined;
    let last = "";
    let wasAway = false;
    const onState = (state: "live" | "joining" | "away" | "refused") => {
      if (state === "refused") {
        void client.invalidateQueries({ queryKey: ["session"] });
        return;
      }
      if (state === "away") {
        wasAway = true;
        reach.failed();
      } else if (state === "live") {
        reach.answered();
        // What changed before the stream began, and behind no message that was seen, is not told
        // again: whatever is shown is asked for anew.
        if (wasAway || !last) void client.invalidateQueries({ predicate: changes });
        wasAway = false;
      }
      reach.streaming(state);
    };
    const onMessage = (message: Message) => {
      last = message.id || last;
      take(client, stale, message);
    };
    const start = () => {
      control?.abort();
      control = new AbortController();
      const topics = [...TOPICS, ...[...looked.keys()].map((run) => `run:${run}`)].join(",");
      void follow(
        {
          address: `${BASE}/stream?topics=${encodeURIComponent(topics)}`,
          after: last,
          onMessage,
          onState,
        },
        control.signal,
      );
    };
    const stop = () => {
      control?.abort();
      control = null;
      reach.streaming("joining");
    };
    const onSight = () => {
      clearTimeout(hiding);
      if (document.visibilityState === "hidden") hiding = setTimeout(stop, HIDDEN_MS);
      else if (!control) start();
    };
    start();
    restarts.add(start);
    document.addEventListener("visibilitychange", onSight);
    return () => {
      restarts.delete(start);
      document.removeEventListener("visibilitychange", onSight);
      clearTimeout(hiding);
      stop();
    };
  }, [client]);
}
