// One occurrence of a task: when, whose, with what, and what came of it; compared, and run again.
import { useState } from "react";
import type { RunDetail, Task } from "../../api/types";
import { may, useSession } from "../../app/session";
import { Diff } from "../../code/lazy";
import { Close } from "../../parts/Close";
import { Icon } from "../../parts/Icon";
import { Json } from "../../parts/Json";
import { Status, Who } from "../../parts/Mark";
import { Copy, Notice } from "../../parts/Notice";
import { Time, Took } from "../../parts/Time";
import { canRetry, onlyFromStart, Retry } from "./Actions";
import { pretty } from "./Data";
import { keyOf } from "./timeline";

export function TaskPanel({
  run,
  task,
  tasks,
  onClose,
  onChoose,
}: {
  run: RunDetail;
  task: Task;
  tasks: Task[];
  onClose: () => void;
  onChoose: (key: string) => void;
}) {
  const session = useSession();
  const [compared, setCompared] = useState<"" | "input" | "before">("");
  const [retrying, setRetrying] = useState(false);
  const attempts = tasks.filter((one) => one.reference === task.reference);
  const before = attempts[attempts.indexOf(task) - 1];
  const isKnown = task.input !== null || task.output !== null;
  return (
    <aside className="card panel" aria-label={`Task ${task.name}`}>
      <header>
        <h2 className="cut">{task.name}</h2>
        <Status of={task.status} />
        <Close label="Close the task" onClose={onClose} />
      </header>
      <div className="inside stack">
        <dl className="facts plain-facts">
          <div>
            <dt>Participant</dt>
            <dd>
              <Who name={task.participant} />
            </dd>
          </div>
          <div>
            <dt>Kind</dt>
            <dd>{task.kind}</dd>
          </div>
          <div>
            <dt>Began</dt>
            <dd>
              <Time at={task.startedAt} precise />
            </dd>
          </div>
          <div>
            <dt>Took</dt>
            <dd>
              <Took from={task.startedAt} to={task.endedAt} />
            </dd>
          </div>
          <div className="whole-row">
            <dt>Reference</dt>
            <dd className="row">
              <code className="cut" title={task.reference}>
                {task.reference}
                {task.path}
              </code>
              <Copy text={task.reference} what="reference" />
            </dd>
          </div>
        </dl>
        {attempts.length > 1 ? (
          <div className="row wrap" role="group" aria-label="Occurrences of this task">
            {attempts.map((one, at) => (
              <button
                key={keyOf(one)}
                type="button"
                className="button small"
                aria-pressed={one === task}
                onClick={() => onChoose(keyOf(one))}
              >
                <Status of={one.status} plain />
                <span className="faint">
                  {one.iteration === null ? `attempt ${at + 1}` : `round ${one.iteration + 1}`}
                </span>
              </button>
            ))}
          </div>
        ) : null}
        {task.error ? (
          <Notice tone="bad">
            <b>
              {task.error.title ?? "Faulted"}{" "}
              <span className="faint">status {task.error.status}</span>
            </b>
            {task.error.detail ? <span>{task.error.detail}</span> : null}
            <code className="faint wrap-any">{task.error.type}</code>
          </Notice>
        ) : null}
        {canRetry(run) && !onlyFromStart(run, tasks) && may(session, "operator") ? (
          <div>
            <button type="button" className="button" onClick={() => setRetrying(true)}>
              <Icon name="retry" /> Retry from here…
            </button>
          </div>
        ) : null}
        <div className="row">
          <h3>Payload</h3>
          <select
            className="field push"
            aria-label="Compare with"
            value={compared}
            onChange={(event) => setCompared(event.target.value as typeof compared)}
          >
            <option value="">values</option>
            <option value="input">input → output</option>
            {before ? <option value="before">occurrence before → this</option> : null}
          </select>
        </div>
        {compared === "input" ? (
          <Diff
            before={pretty(task.input)}
            after={pretty(task.output)}
            language="json"
            label="From input to output"
          />
        ) : compared === "before" && before ? (
          <Diff
            before={pretty({ input: before.input, output: before.output, error: before.error })}
            after={pretty({ input: task.input, output: task.output, error: task.error })}
            language="json"
            label="From the occurrence before to this"
          />
        ) : (
          <>
            <h4>Input</h4>
            {task.input === null && run.control === "choreographed" ? (
              <p className="faint">Not told: it stays with the participant.</p>
            ) : (
              <Json value={task.input} label="input" />
            )}
            {task.endedAt && !task.error ? (
              <>
                <h4>Output</h4>
                {isKnown || run.control === "orchestrated" ? (
                  <Json value={task.output} label="output" />
                ) : (
                  <p className="faint">Not told on the bus.</p>
                )}
              </>
            ) : null}
          </>
        )}
      </div>
      {retrying ? (
        <Retry run={run} from={task} tasks={tasks} onClose={() => setRetrying(false)} />
      ) : null}
    </aside>
  );
}
