// The workflow as each participant's rules: what it reacts to, does, and publishes.
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { calls } from "../../api/calls";
import { Refusal } from "../../api/http";
import type { Rules } from "../../api/types";
import { choreography, isFailing, prefixOf, type RuleCard, short } from "../../lanes/choreography";
import { Lanes } from "../../lanes/Lanes";
import { Icon } from "../../parts/Icon";
import { Who } from "../../parts/Mark";
import { Loading, Notice, Trouble } from "../../parts/Notice";
import { Said } from "../../parts/Said";

const ROW_GAP = 52;

export function AsChoreography({
  workflow,
  version,
  onSource,
}: {
  workflow: string;
  version: string;
  onSource: () => void;
}) {
  const [failures, setFailures] = useState(false);
  const rules = useQuery({
    queryKey: ["workflow", workflow, version, "rules"],
    queryFn: () => calls.rules(workflow, version),
  });
  const drawn = useMemo(
    () => (rules.data ? choreography(rules.data, workflow, failures) : null),
    [rules.data, workflow, failures],
  );
  if (rules.error instanceof Refusal && rules.error.status === 409) {
    return (
      <Notice tone="warn">
        <b>This workflow needs a conductor as it stands.</b>
        <ul className="stack tight">
          {rules.error.errors.map((one) => (
            <li key={`${one.code} ${one.path}`}>
              {one.line ? <span className="faint">line {one.line}: </span> : null}
              <Said text={one.message} />{" "}
              <span className="quiet">
                <Said text={one.hint ?? ""} />
              </span>
            </li>
          ))}
        </ul>
        <div>
          <button type="button" className="button small" onClick={onSource}>
            Show them in the source
          </button>
        </div>
      </Notice>
    );
  }
  if (rules.error) return <Trouble error={rules.error} retry={() => void rules.refetch()} />;
  if (!rules.data || !drawn) return <Loading />;
  return (
    <>
      <section className="card view tall" aria-label="As choreography">
        <header>
          <h2>Rules and events</h2>
          <label className="tick push quiet">
            <input
              type="checkbox"
              checked={failures}
              onChange={(event) => setFailures(event.target.checked)}
            />
            Show failures and undoing
          </label>
        </header>
        <Lanes
          label="Each participant's rules, and the events between them"
          {...drawn}
          rowGap={ROW_GAP}
          show={(card) => <RuleBox card={card} />}
        />
      </section>
      <section className="stack" aria-label="Rules in words">
        <h2>Rules in words</h2>
        <div className="rules">
          {rules.data.participants.map((one) => (
            <Stated key={one.name} of={one} prefix={prefixOf(workflow)} />
          ))}
        </div>
      </section>
    </>
  );
}

function RuleBox({ card }: { card: RuleCard }) {
  const { rule } = card;
  return (
    <div className={card.external ? "rule external" : "rule"}>
      <span className="on cut">
        {card.begins
          ? "when a run starts"
          : rule.undoes
            ? "when it is given up"
            : rule.joins
              ? "when all branches ended"
              : `on ${rule.on.length === 1 ? "this event" : `one of ${rule.on.length} events`}`}
      </span>
      {rule.when ? (
        <span className="when cut" title={rule.when}>
          if {rule.when}
        </span>
      ) : null}
      {rule.tasks.map((task) => (
        <span className="does" key={task.reference}>
          <Icon name={rule.undoes ? "retry" : "right"} />
          <span className="cut">{task.name}</span>
        </span>
      ))}
      {rule.tasks.length ? null : (
        <span className="does">
          <Icon name={rule.joins ? "workflow" : "right"} />
          {rule.joins ? `joins ${rule.joins.split("/").at(-1)}` : "decides what is next"}
        </span>
      )}
    </div>
  );
}

function Stated({ of, prefix }: { of: Rules["participants"][number]; prefix: string }) {
  return (
    <article className="card">
      <header>
        <h3>
          <Who name={of.name} />
        </h3>
        {of.external ? <span className="chip">external</span> : null}
      </header>
      {of.rules.map((rule) => (
        <dl
          className="said"
          key={`${rule.on.join()} ${rule.undoes ?? ""} ${rule.joins ?? ""} ${rule.when ?? ""}`}
        >
          <dt>on</dt>
          <dd>
            <Types of={rule.on} prefix={prefix} />
          </dd>
          {rule.when ? (
            <>
              <dt>when</dt>
              <dd>
                <code>{rule.when}</code>
              </dd>
            </>
          ) : null}
          <dt>{isFailing(rule) ? "undo" : "do"}</dt>
          <dd>
            {rule.joins ? <span>join {rule.joins.split("/").at(-1)}</span> : null}
            {rule.tasks.map((task) => (
              <b key={task.reference} title={task.reference}>
                {task.name}
              </b>
            ))}
            {!rule.tasks.length && !rule.joins ? <span>decide what comes next</span> : null}
          </dd>
          <dt>then</dt>
          <dd>
            <Types of={rule.then} prefix={prefix} />
          </dd>
        </dl>
      ))}
    </article>
  );
}

function Types({ of, prefix }: { of: string[]; prefix: string }) {
  return of.map((type) => (
    <code key={type} title={type}>
      {short(type, prefix)}
    </code>
  ));
}
