// Who takes part: where each is, whether it is heard of, and how far behind it is.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { calls } from "../../api/calls";
import type { Participant } from "../../api/types";
import { Asked } from "../../parts/Asked";
import { Status, Who } from "../../parts/Mark";
import { Empty } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { count } from "../../words/numbers";
import { span } from "../../words/time";
import { names } from "../workflow/names";

const PLACES: Record<Participant["place"], string> = {
  here: "in this process",
  process: "a process of its own",
  external: "somebody else's service",
};

const number = (value: number) => (value ? count(value) : <span className="faint">0</span>);

const COLUMNS: Column<Participant>[] = [
  {
    id: "name",
    title: "Participant",
    by: (one) => one.name,
    cell: (one) => (
      <b>
        <Who name={one.name} />
      </b>
    ),
  },
  {
    id: "status",
    title: "Status",
    by: (one) => one.status,
    cell: (one) => <Status of={one.status} />,
  },
  {
    id: "place",
    title: "Where",
    by: (one) => one.place,
    cell: (one) => <span className="quiet">{PLACES[one.place]}</span>,
  },
  {
    id: "lag",
    title: "Behind by",
    by: (one) => one.lag.messages,
    cell: (one) =>
      one.lag.messages ? (
        <>
          <b>{count(one.lag.messages)}</b>{" "}
          <span className="quiet">oldest {span(one.lag.oldestSeconds * 1_000)}</span>
        </>
      ) : (
        <span className="faint">nothing</span>
      ),
  },
  {
    id: "inbox",
    title: "Inbox",
    number: true,
    by: (one) => one.inbox,
    cell: (one) => number(one.inbox),
  },
  {
    id: "outbox",
    title: "Outbox",
    number: true,
    by: (one) => one.outbox,
    cell: (one) => number(one.outbox),
  },
  {
    id: "dead",
    title: "Dead letters",
    number: true,
    by: (one) => one.dead,
    cell: (one) =>
      one.dead ? (
        <Link
          to="/dead"
          search={{ participant: one.name }}
          aria-label={`${one.dead} dead letters of ${one.name}`}
        >
          <b>{count(one.dead)}</b>
        </Link>
      ) : (
        <span className="faint">0</span>
      ),
  },
  {
    id: "workflows",
    title: "Takes part in",
    cell: (one) => (
      <span className="row wrap">
        {one.workflows.map((workflow) => (
          <Link
            key={workflow}
            to="/workflows/$namespace/$name"
            params={names(workflow.split(":")[0] ?? "")}
          >
            {workflow}
          </Link>
        ))}
      </span>
    ),
  },
  {
    id: "seen",
    title: "Last heard of",
    by: (one) => one.lastSeenAt,
    cell: (one) => <Time at={one.lastSeenAt} />,
  },
];

export function Participants() {
  const asked = useQuery({
    queryKey: ["participants"],
    queryFn: calls.participants,
    refetchInterval: 5_000,
  });
  const silent = asked.data?.items.filter((one) => one.status === "silent") ?? [];
  return (
    <Screen title="Participants">
      <section className="card" aria-label="Participants">
        <Asked of={asked}>
          {({ items }) =>
            items.length ? (
              <Plain label="Participants" columns={COLUMNS} rows={items} idOf={(one) => one.name} />
            ) : (
              <Empty
                icon="participants"
                title="Nobody takes part yet"
                command="metadata: { participant: payments }"
              >
                Say in a workflow whose a task is; the participant shows here.
              </Empty>
            )
          }
        </Asked>
      </section>
      {silent.length ? (
        <p className="quiet">
          Silent participants lose nothing: what is meant for them waits on the bus. Start one with{" "}
          <code>batuta participant {silent[0]?.name}</code>.
        </p>
      ) : null}
    </Screen>
  );
}
