// One action on many runs: first how many it would be, then progress, and a way to stop.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../../api/calls";
import { Dialog } from "../../parts/Dialog";
import { Loading, Notice, Trouble } from "../../parts/Notice";
import { useSure } from "../../parts/Sure";
import { plural } from "../../words/numbers";
import { asBody, type Filter } from "./filter";

export type Scope = { kind: "chosen"; ids: string[] } | { kind: "matching"; filter: Filter };

const ACTIONS = ["cancel", "suspend", "resume", "retry"] as const;
type Action = (typeof ACTIONS)[number];
const SAID: Record<Action, string> = {
  cancel: "End them; what was completed and can be undone is undone.",
  suspend: "Let them stand still until they are resumed.",
  resume: "Let those that are suspended go on.",
  retry: "Let those that have faulted go on from where they did.",
};

interface Progress {
  matched: number;
  done: number;
  failed: { run: string; error: string }[];
  state: string;
}

export function Bulk({ scope, onClose }: { scope: Scope; onClose: () => void }) {
  const client = useQueryClient();
  const [action, setAction] = useState<Action>("retry");
  const [compensate, setCompensate] = useState(true);
  const [progress, setProgress] = useState<Progress | null>(null);
  const [bulk, setBulk] = useState<string | null>(null);
  const body =
    scope.kind === "matching"
      ? {
          action,
          filter: asBody(scope.filter, Date.now()),
          ...(action === "cancel" ? { compensate } : {}),
        }
      : null;
  const { isSure, question } = useSure();
  const counted = useQuery({
    queryKey: ["bulk-count", action, scope],
    queryFn: () => calls.bulkCount(body as NonNullable<typeof body>),
    enabled: body !== null && bulk === null,
    staleTime: 0,
  });
  const watched = useQuery({
    queryKey: ["bulk", bulk],
    queryFn: () => calls.bulk(bulk ?? ""),
    enabled: bulk !== null,
    refetchInterval: (query) => (isOver(query.state.data?.state) ? false : 400),
  });
  const start = useMutation({
    mutationFn: async () => {
      if (scope.kind === "matching") {
        if (body) setBulk((await calls.bulkStart(body)).id);
        return;
      }
      const state: Progress = { matched: scope.ids.length, done: 0, failed: [], state: "running" };
      for (const id of scope.ids) {
        try {
          await one(action, id, compensate);
        } catch (error) {
          state.failed = [...state.failed, { run: id, error: String((error as Error).message) }];
        }
        state.done += 1;
        setProgress({ ...state });
      }
      setProgress({ ...state, state: "done" });
      await client.invalidateQueries({ queryKey: ["runs"] });
    },
  });
  const shown: Progress | null = watched.data ?? progress;
  const matched = scope.kind === "chosen" ? scope.ids.length : counted.data?.matched;
  return (
    <Dialog
      title={scope.kind === "chosen" ? "Do with the chosen runs" : "Do with all runs that match"}
      onClose={onClose}
    >
      {shown ? (
        <>
          <Progressing of={shown} />
          <footer>
            {bulk && !isOver(shown.state) ? (
              <button type="button" className="button" onClick={() => void calls.bulkStop(bulk)}>
                Stop here
              </button>
            ) : null}
            <button type="button" className="button main" onClick={onClose}>
              Close
            </button>
          </footer>
        </>
      ) : (
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            start.mutate();
          }}
        >
          <fieldset className="stack tight options">
            <legend className="unseen">What to do</legend>
            {ACTIONS.map((name) => (
              <label className="tick" key={name}>
                <input
                  type="radio"
                  name="action"
                  checked={action === name}
                  onChange={() => setAction(name)}
                />
                <span>
                  <b>{name}</b> <span className="quiet">{SAID[name]}</span>
                </span>
              </label>
            ))}
          </fieldset>
          {action === "cancel" ? (
            <label className="tick">
              <input
                type="checkbox"
                checked={compensate}
                onChange={(event) => setCompensate(event.target.checked)}
              />
              Undo what was completed
            </label>
          ) : null}
          {action === "cancel" ? question : null}
          {counted.error ? <Trouble error={counted.error} /> : null}
          {start.error ? <Trouble error={start.error} /> : null}
          {matched === undefined && !counted.error ? (
            <Loading rows={1} />
          ) : (
            <Notice tone={action === "cancel" ? "warn" : "busy"}>
              <span>
                A dry run says: <b>{plural(matched ?? 0, "run")}</b>
                {counted.data?.more ? " and more" : ""} would be asked to {action}.
              </span>
            </Notice>
          )}
          <footer>
            <button type="button" className="button" onClick={onClose}>
              Leave it
            </button>
            <button
              type="submit"
              className={action === "cancel" ? "button grave" : "button main"}
              disabled={!matched || start.isPending || (action === "cancel" && !isSure)}
            >
              {action} {plural(matched ?? 0, "run")}
            </button>
          </footer>
        </form>
      )}
    </Dialog>
  );
}

function isOver(state: string | undefined): boolean {
  return state !== undefined && state !== "running";
}

function one(action: Action, id: string, compensate: boolean): Promise<unknown> {
  switch (action) {
    case "cancel":
      return calls.cancel(id, compensate);
    case "suspend":
      return calls.suspend(id);
    case "resume":
      return calls.resume(id);
    case "retry":
      return calls.retry(id, {});
  }
}

function Progressing({ of }: { of: Progress }) {
  const share = of.matched ? of.done / of.matched : 1;
  return (
    <div className="stack tight">
      <div className="row">
        <b>
          {of.done} of {plural(of.matched, "run")}
        </b>
        <span className="quiet">{of.state}</span>
      </div>
      <progress className="progress" max={1} value={share} aria-label="How far it is" />
      {of.failed.length ? (
        <Notice tone="warn">
          <b>{plural(of.failed.length, "run")} could not be asked:</b>
          <ul className="stack tight">
            {of.failed.slice(0, 20).map((one) => (
              <li key={one.run}>
                <code>{one.run}</code> {one.error}
              </li>
            ))}
          </ul>
        </Notice>
      ) : null}
    </div>
  );
}
