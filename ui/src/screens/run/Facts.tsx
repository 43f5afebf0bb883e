// What is known of a run at a glance, what it waits for, and how it compares with its workflow.
import { Link } from "@tanstack/react-router";
import type { Expected, OpenSla, RunDetail } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { ControlMark, Status, Who } from "../../parts/Mark";
import { Notice } from "../../parts/Notice";
import { Time, Took, useNow } from "../../parts/Time";
import { span, spansIn, when } from "../../words/time";
import { Keys } from "../runs/columns";
import { names } from "../workflow/names";

export function Facts({ run }: { run: RunDetail }) {
  const { verdict } = run.conformance;
  const params = names(run.workflow);
  return (
    <dl className="facts">
      <Fact name="Workflow">
        <Link
          to="/workflows/$namespace/$name"
          params={params}
          search={{ version: run.version, as: run.control }}
        >
          {run.workflow}
        </Link>{" "}
        <span className="faint">{run.version}</span>
      </Fact>
      <Fact name="Control model">
        <ControlMark of={run.control} />
      </Fact>
      <Fact name="Started">
        <Time at={run.startedAt} precise />
      </Fact>
      <Fact name={run.endedAt ? "Took" : "Has taken"}>
        <Took from={run.startedAt} to={run.endedAt} />
      </Fact>
      <Fact name="Against its workflow">
        <Status of={verdict} plain />
      </Fact>
      {run.sla.length ? (
        <Fact name="SLA">
          <Sla of={run.sla} />
        </Fact>
      ) : null}
      {Object.keys(run.keys ?? {}).length ? (
        <Fact name="Business keys">
          <Keys keys={run.keys} />
        </Fact>
      ) : null}
      {run.parent ? (
        <Fact name="Part of">
          <Link to="/runs/$run" params={{ run: run.parent }} className="mono">
            {run.parent}
          </Link>
        </Fact>
      ) : null}
      {run.rerunOf ? (
        <Fact name="Rerun of">
          <Link to="/runs/$run" params={{ run: run.rerunOf }} className="mono">
            {run.rerunOf}
          </Link>
        </Fact>
      ) : null}
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** The worst of a run's objectives, in a word. */
function Sla({ of }: { of: OpenSla[] }) {
  const order = ["breached", "warned", "open", "met"];
  const worst = [...of].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))[0];
  return worst ? <Status of={worst.state} plain /> : null;
}

const TURN: Record<Expected["what"], string> = {
  begin: "to begin",
  finish: "to finish",
  event: "to hear an event in",
  time: "to wake up after",
  child: "to hear the end of",
  retry: "to try again",
  "go on": "to go on from",
  resume: "to be resumed by somebody",
};

/** What has to come next, from whom, and since when: the question of everybody who waits. */
export function Waited({ run }: { run: RunDetail }) {
  const now = useNow();
  if (run.endedAt || !run.expected.length) return null;
  return (
    <section className="card expected" aria-label="Expected next">
      <header>
        <Icon name="hourglass" />
        <h2>Expected next</h2>
      </header>
      <ul>
        {run.expected.map((one) => {
          const due = when(one.due);
          const late = due !== null && due < now;
          const types = one.events.map((event) => event.type ?? "any event");
          return (
            <li key={`${one.reference} ${one.path} ${one.what}`} data-late={late}>
              {one.participant ? <Who name={one.participant} /> : <span>the conductor</span>}
              <span>
                {TURN[one.what] ?? one.what} <b>{one.name}</b>
                {types.map((type) => (
                  <code key={type}> {type}</code>
                ))}
                {one.run ? (
                  <Link to="/runs/$run" params={{ run: one.run }} className="mono">
                    {" "}
                    {one.run}
                  </Link>
                ) : null}
              </span>
              <span className="quiet">
                since <Time at={one.since} />
              </span>
              {due !== null ? (
                <span className="mark" data-tone={late ? "bad" : "idle"}>
                  <Icon name={late ? "warning" : "trigger"} />
                  {late ? `late by ${span(now - due)}` : `due in ${span(due - now)}`}
                </span>
              ) : null}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function Findings({ run }: { run: RunDetail }) {
  const found = run.conformance.findings;
  return (
    <>
      {run.problem ? (
        <Notice tone="warn">
          <b>This run stands still: {run.problem}</b>
        </Notice>
      ) : null}
      {run.error ? (
        <Notice tone="bad">
          <b>
            {run.error.title ?? "Faulted"} <span className="faint">status {run.error.status}</span>
          </b>
          {run.error.detail ? <span>{run.error.detail}</span> : null}
          {run.error.instance ? (
            <span className="quiet">
              at <code>{run.error.instance}</code>
            </span>
          ) : null}
        </Notice>
      ) : null}
      {found.length ? (
        <Notice tone="warn">
          <b>Not as its workflow says</b>
          <ul className="stack tight">
            {found.map((one) => (
              <li key={`${one.reference} ${one.path} ${one.what}`}>
                <b>{one.what === "sla" ? "longer than promised" : one.what}</b>{" "}
                {one.reference ? <code>{one.reference}</code> : "the run"}: {spansIn(one.came)}
                {one.allowed ? (
                  <span className="quiet"> (allowed: {spansIn(one.allowed)})</span>
                ) : null}
              </li>
            ))}
          </ul>
        </Notice>
      ) : null}
    </>
  );
}
