// What starts runs by itself: times and events, when they did last, and when they will next.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { calls } from "../../api/calls";
import type { Trigger } from "../../api/types";
import { Asked } from "../../parts/Asked";
import { Icon } from "../../parts/Icon";
import { Empty } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { milliseconds, span } from "../../words/time";
import { names } from "../workflow/names";

const KINDS: Record<Trigger["kind"], string> = {
  every: "every so often",
  cron: "at times",
  after: "after the run before",
  on: "on events",
};

const COLUMNS: Column<Trigger>[] = [
  {
    id: "workflow",
    title: "Starts",
    by: (one) => one.workflow,
    cell: (one) => (
      <Link to="/workflows/$namespace/$name" params={names(one.workflow.split(":")[0] ?? "")}>
        <b>{one.workflow}</b>
      </Link>
    ),
  },
  {
    id: "kind",
    title: "When",
    by: (one) => one.kind,
    cell: (one) => (
      <span className="row">
        <Icon name={one.kind === "on" ? "bolt" : "trigger"} />
        {KINDS[one.kind]}
      </span>
    ),
  },
  {
    id: "expression",
    title: "Exactly",
    cell: (one) => (
      <span className="row wrap">
        <Exactly of={one} />
        {one.events.map((type) => (
          <code key={type}>{type}</code>
        ))}
      </span>
    ),
  },
  { id: "next", title: "Next", by: (one) => one.nextAt, cell: (one) => <Time at={one.nextAt} /> },
  { id: "last", title: "Last", by: (one) => one.lastAt, cell: (one) => <Time at={one.lastAt} /> },
  {
    id: "run",
    title: "Last run",
    cell: (one) =>
      one.lastRun ? (
        <Link to="/runs/$run" params={{ run: one.lastRun }} className="mono">
          {one.lastRun}
        </Link>
      ) : (
        <span className="faint">–</span>
      ),
  },
];

function Exactly({ of }: { of: Trigger }) {
  const length = milliseconds(of.expression);
  if (length !== null) return <span title={of.expression}>{span(length)}</span>;
  return of.expression ? <code>{of.expression}</code> : null;
}

export function Triggers() {
  const asked = useQuery({
    queryKey: ["triggers"],
    queryFn: calls.triggers,
    refetchInterval: 5_000,
  });
  return (
    <Screen title="Triggers">
      <section className="card" aria-label="Triggers">
        <Asked of={asked}>
          {({ items }) =>
            items.length ? (
              <Plain
                label="Triggers"
                columns={COLUMNS}
                rows={items}
                idOf={(one) => `${one.workflow} ${one.kind} ${one.expression}`}
              />
            ) : (
              <Empty
                icon="trigger"
                title="Nothing starts runs by itself"
                command="schedule: { every: { minutes: 5 } }"
              >
                Put this at the top of a workflow, or <code>on:</code> with an event to listen for.
              </Empty>
            )
          }
        </Asked>
      </section>
    </Screen>
  );
}
