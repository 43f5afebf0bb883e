// Promises: how often each was kept, how fast what may fail is used up, and what is running late.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { calls } from "../../api/calls";
import type { Objective, OpenSla } from "../../api/types";
import { Asked } from "../../parts/Asked";
import { Icon } from "../../parts/Icon";
import { Status } from "../../parts/Mark";
import { Empty } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Time, useNow } from "../../parts/Time";
import { count, percent } from "../../words/numbers";
import { milliseconds, span, when } from "../../words/time";
import { names } from "../workflow/names";
import { Share } from "./Share";

export function keptShare(of: Objective): number | null {
  const all = of.met + of.breached;
  return all ? of.met / all : null;
}

const COLUMNS: Column<Objective>[] = [
  {
    id: "what",
    title: "Promise",
    by: (one) => `${one.workflow} ${one.name}`,
    cell: (one) => (
      <>
        <Link
          to="/workflows/$namespace/$name"
          params={names(one.workflow)}
          search={one.reference ? { view: "source", task: one.reference } : {}}
        >
          <b>{one.workflow}</b>
        </Link>{" "}
        {one.reference ? <span className="quiet">{one.name}</span> : null}
      </>
    ),
  },
  {
    id: "within",
    title: "Within",
    number: true,
    by: (one) => milliseconds(one.within),
    cell: (one) => span(milliseconds(one.within)),
  },
  {
    id: "kept",
    title: "Kept",
    by: (one) => keptShare(one) ?? -1,
    cell: (one) => <Share of={keptShare(one)} none="not yet asked for" />,
  },
  {
    id: "warned",
    title: "Warned",
    number: true,
    by: (one) => one.warned,
    cell: (one) => (one.warned ? count(one.warned) : <span className="faint">0</span>),
  },
  {
    id: "breached",
    title: "Breached",
    number: true,
    by: (one) => one.breached,
    cell: (one) =>
      one.breached ? (
        <b className="many" data-tone="bad">
          {count(one.breached)}
        </b>
      ) : (
        <span className="faint">0</span>
      ),
  },
  {
    id: "burn",
    title: "Not kept",
    number: true,
    by: (one) => one.burn,
    cell: (one) => <Burn of={one.burn} />,
  },
];

export function SlaBoard() {
  const asked = useQuery({
    queryKey: ["sla"],
    queryFn: calls.sla,
    refetchInterval: 15_000,
  });
  return (
    <section className="card" id="sla" aria-labelledby="sla-title">
      <header>
        <h2 id="sla-title">SLA board</h2>
        {asked.data?.open.length ? (
          <span className="quiet push">{asked.data.open.length} near or past their time</span>
        ) : null}
      </header>
      <Asked of={asked} rows={3}>
        {({ items, open }) =>
          items.length ? (
            <>
              {open.length ? <Open of={open} /> : null}
              <Plain
                label="Promises"
                columns={COLUMNS}
                rows={items}
                idOf={(one) => `${one.workflow} ${one.reference}`}
              />
            </>
          ) : (
            <Empty
              icon="flag"
              title="Nothing is promised"
              command="sla: { within: PT30S, warn: PT10S }"
            >
              Put this under <code>metadata</code> of a workflow or a task, and it is watched here,
              under both control models.
            </Empty>
          )
        }
      </Asked>
    </section>
  );
}

function Open({ of }: { of: OpenSla[] }) {
  const now = useNow();
  return (
    <ul className="open-slas" aria-label="Near or past their time">
      {of.slice(0, 12).map((one) => {
        const since = when(one.since) ?? now;
        const due = when(one.dueAt) ?? now;
        const late = now > due;
        const used = Math.min(1, (now - since) / Math.max(1, due - since));
        return (
          <li key={`${one.run} ${one.reference}`} data-tone={late ? "bad" : "warn"}>
            <Status of={late ? "breached" : one.state} plain />
            <Link to="/runs/$run" params={{ run: one.run }} className="mono">
              {one.run}
            </Link>
            <span className="quiet cut" title={one.reference ?? ""}>
              {one.name || "the whole run"}
              {one.participant ? ` of ${one.participant}` : ""}
            </span>
            <span className="bar" aria-hidden="true">
              <span style={{ width: `${used * 100}%` }} />
            </span>
            <span className="number">
              {late ? `late by ${span(now - due)}` : `due in ${span(due - now)}`}
            </span>
            <span className="faint">
              since <Time at={one.since} />
            </span>
          </li>
        );
      })}
      {of.length > 12 ? <li className="quiet">and {of.length - 12} more</li> : null}
    </ul>
  );
}

/** The part of what was promised that was not kept. */
function Burn({ of }: { of: number }) {
  if (!of) return <span className="faint">0 %</span>;
  return (
    <span className="mark plain" data-tone={of > 0.1 ? "bad" : "warn"} title="Promises not kept">
      <Icon name="warning" />
      {percent(of)}
    </span>
  );
}
