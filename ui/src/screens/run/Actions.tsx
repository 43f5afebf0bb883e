// What can be done with a run. Nothing is shown as done before the server says so.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useId, useState } from "react";
import { calls } from "../../api/calls";
import type { Run, RunDetail, Task } from "../../api/types";
import { may, useSession } from "../../app/session";
import { Code, Diff } from "../../code/lazy";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { Menu } from "../../parts/Menu";
import { Notice, Trouble } from "../../parts/Notice";
import { useSure } from "../../parts/Sure";
import { say, sayTrouble } from "../../parts/Toasts";
import { pretty, useInput } from "./Data";

export function canRetry(run: Run): boolean {
  return run.status === "faulted";
}

const UNDOING = "/metadata/compensate";

/** Why a run can only be retried from its start, in words; empty when it can go on from a task. */
export function onlyFromStart(run: Run, tasks: Task[]): string {
  if (run.control === "choreographed") {
    return "Nobody directs this run, so nobody has all of its history to go on from: it begins again.";
  }
  const undone = tasks.some((one) => one.reference.includes(UNDOING) && one.status === "completed");
  return undone ? "What it had completed was undone, so it begins again." : "";
}

export function Actions({ run, tasks }: { run: RunDetail; tasks: Task[] }) {
  const session = useSession();
  const client = useQueryClient();
  const [dialog, setDialog] = useState<"" | "retry" | "rerun" | "cancel">("");
  const done = async (text: string) => {
    say(text);
    await client.invalidateQueries({ queryKey: ["run", run.id] });
  };
  const suspend = useMutation({
    mutationFn: () => calls.suspend(run.id),
    onSuccess: () => done("Asked to stand still."),
    onError: sayTrouble,
  });
  const resume = useMutation({
    mutationFn: () => calls.resume(run.id),
    onSuccess: () => done("Asked to go on."),
    onError: sayTrouble,
  });
  if (!may(session, "operator")) return null;
  const faulted = tasks.filter((task) => task.status === "faulted").at(-1);
  return (
    <>
      {canRetry(run) ? (
        <button type="button" className="button main" onClick={() => setDialog("retry")}>
          <Icon name="retry" /> Retry…
        </button>
      ) : null}
      {run.endedAt ? (
        <button type="button" className="button" onClick={() => setDialog("rerun")}>
          <Icon name="play" /> Rerun…
        </button>
      ) : (
        <>
          {run.status === "suspended" ? (
            <button
              type="button"
              className="button main"
              disabled={resume.isPending}
              onClick={() => resume.mutate()}
            >
              <Icon name="play" /> Resume
            </button>
          ) : (
            <button
              type="button"
              className="button"
              disabled={suspend.isPending}
              onClick={() => suspend.mutate()}
            >
              <Icon name="pause" /> Suspend
            </button>
          )}
          <button type="button" className="button" onClick={() => setDialog("cancel")}>
            <Icon name="stop" /> Cancel…
          </button>
        </>
      )}
      <Menu label="More" bare>
        {(close) => (
          <>
            <button
              type="button"
              onClick={() => {
                close();
                setDialog("rerun");
              }}
            >
              <Icon name="play" /> Rerun with other input…
            </button>
            <button
              type="button"
              onClick={() => {
                close();
                void navigator.clipboard.writeText(`batuta runs show ${run.id} --trace`);
                say("Copied the command.");
              }}
            >
              <Icon name="copy" /> Copy as command
            </button>
          </>
        )}
      </Menu>
      {dialog === "retry" ? (
        <Retry run={run} from={faulted ?? null} tasks={tasks} onClose={() => setDialog("")} />
      ) : null}
      {dialog === "rerun" ? <Rerun run={run} onClose={() => setDialog("")} /> : null}
      {dialog === "cancel" ? <Cancel run={run} onClose={() => setDialog("")} /> : null}
    </>
  );
}

/** JSON that is edited: its text, its value, and what is wrong with it. */
function useEdited(value: unknown) {
  const [first] = useState(() => pretty(value ?? null));
  const [text, setText] = useState(first);
  let parsed: unknown;
  let wrong = "";
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    wrong = (error as Error).message;
  }
  return { first, text, setText, value: parsed, wrong, isChanged: text !== first };
}

function Edited({ edited, label }: { edited: ReturnType<typeof useEdited>; label: string }) {
  const [compared, setCompared] = useState(false);
  return (
    <div className="stack tight">
      <div className="row">
        <h3>{label}</h3>
        {edited.isChanged ? (
          <button
            type="button"
            className="button bare small push"
            onClick={() => setCompared(!compared)}
          >
            {compared ? "Edit" : "Show what was changed"}
          </button>
        ) : null}
      </div>
      <div className="editor">
        {compared ? (
          <Diff
            before={edited.first}
            after={edited.text}
            language="json"
            label="What was changed"
          />
        ) : (
          <Code text={edited.text} language="json" label={label} onChange={edited.setText} />
        )}
      </div>
      {edited.wrong ? (
        <p role="alert" className="wrong">
          <Icon name="warning" /> This is not JSON: {edited.wrong}
        </p>
      ) : null}
    </div>
  );
}

export function Retry({
  run,
  from: wanted,
  tasks,
  onClose,
}: {
  run: RunDetail;
  from: Task | null;
  tasks: Task[];
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const id = useId();
  const why = onlyFromStart(run, tasks);
  const from = why ? null : wanted;
  const [where, setWhere] = useState<"task" | "start">(from ? "task" : "start");
  const [edits, setEdits] = useState(false);
  const given = useInput(run.id, edits && where === "start");
  const input = where === "task" ? from?.input : given.data;
  const retry = useMutation({
    mutationFn: (value: unknown) =>
      calls.retry(run.id, {
        ...(where === "start" ? { fromStart: true } : from ? { from: from.reference } : {}),
        ...(edits ? { input: value } : {}),
      }),
    onSuccess: async (next) => {
      say(next.id === run.id ? "The run goes on." : `Goes on as run ${next.id}.`);
      onClose();
      await client.invalidateQueries({ queryKey: ["run", run.id] });
      if (next.id !== run.id) await navigate({ to: "/runs/$run", params: { run: next.id } });
    },
  });
  return (
    <Dialog title="Retry" onClose={onClose} wide>
      <fieldset className="stack tight options">
        <legend className="unseen">From where</legend>
        {from ? (
          <label className="tick">
            <input
              type="radio"
              name={id}
              checked={where === "task"}
              onChange={() => setWhere("task")}
            />
            <span>
              From <b>{from.name}</b> <code className="faint">{from.reference}</code>
            </span>
          </label>
        ) : null}
        <label className="tick">
          <input
            type="radio"
            name={id}
            checked={where === "start"}
            onChange={() => setWhere("start")}
          />
          <span>
            From the start <span className="quiet">{why}</span>
          </span>
        </label>
        <label className="tick">
          <input
            type="checkbox"
            checked={edits}
            onChange={(event) => setEdits(event.target.checked)}
          />
          With other input
        </label>
      </fieldset>
      <Form
        key={`${where} ${edits} ${given.isSuccess}`}
        input={edits ? input : undefined}
        edits={edits}
        error={retry.error}
        pending={retry.isPending}
        verb="Retry"
        onClose={onClose}
        onSubmit={(value) => retry.mutate(value)}
      >
        <Notice tone="busy">
          <span>
            {edits
              ? "Another input is another request: what is done from there on has idempotency keys of its own."
              : "What was already done keeps its idempotency key, so a participant that honours it does nothing twice."}
          </span>
        </Notice>
      </Form>
    </Dialog>
  );
}

function Form({
  input,
  edits,
  error,
  pending,
  verb,
  onClose,
  onSubmit,
  children,
}: {
  input: unknown;
  edits: boolean;
  error: Error | null;
  pending: boolean;
  verb: string;
  onClose: () => void;
  onSubmit: (value: unknown) => void;
  children?: React.ReactNode;
}) {
  const edited = useEdited(input);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit(edited.value);
      }}
    >
      {edits ? <Edited edited={edited} label="Input" /> : null}
      {children}
      {error ? <Trouble error={error} /> : null}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Leave it
        </button>
        <button
          type="submit"
          className="button main"
          disabled={pending || (edits && edited.wrong !== "")}
        >
          {verb}
        </button>
      </footer>
    </form>
  );
}

function Rerun({ run, onClose }: { run: RunDetail; onClose: () => void }) {
  const navigate = useNavigate();
  const given = useInput(run.id);
  const rerun = useMutation({
    mutationFn: (input: unknown) => calls.rerun(run.id, input),
    onSuccess: async (next) => {
      say(`Began run ${next.id}.`);
      onClose();
      await navigate({ to: "/runs/$run", params: { run: next.id } });
    },
  });
  return (
    <Dialog title={`Rerun ${run.workflow} ${run.version}`} onClose={onClose} wide>
      <p className="quiet">A new run of the same version, linked to this one.</p>
      {given.error ? <Trouble error={given.error} /> : null}
      <Form
        key={String(given.isSuccess)}
        input={given.data}
        edits
        error={rerun.error}
        pending={rerun.isPending}
        verb="Begin"
        onClose={onClose}
        onSubmit={(value) => rerun.mutate(value)}
      />
    </Dialog>
  );
}

function Cancel({ run, onClose }: { run: RunDetail; onClose: () => void }) {
  const client = useQueryClient();
  const [compensate, setCompensate] = useState(true);
  const { isSure, question } = useSure();
  const cancel = useMutation({
    mutationFn: () => calls.cancel(run.id, compensate),
    onSuccess: async () => {
      say("Asked to end.");
      onClose();
      await client.invalidateQueries({ queryKey: ["run", run.id] });
    },
  });
  return (
    <Dialog title="Cancel this run?" onClose={onClose}>
      <p>It ends as cancelled, for good. What is under way may still take effect.</p>
      <label className="tick">
        <input
          type="checkbox"
          checked={compensate}
          onChange={(event) => setCompensate(event.target.checked)}
        />
        Undo what was completed, newest first
      </label>
      {question}
      {cancel.error ? <Trouble error={cancel.error} /> : null}
      <footer>
        <button type="button" className="button" onClick={onClose}>
          Leave it
        </button>
        <button
          type="button"
          className="button grave"
          disabled={!isSure || cancel.isPending}
          onClick={() => cancel.mutate()}
        >
          Cancel the run
        </button>
      </footer>
    </Dialog>
  );
}
