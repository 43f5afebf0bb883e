// How everything stands: what needs somebody, how each workflow does, and whether promises are kept.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { calls } from "../../api/calls";
import type { Overview, OverviewRow } from "../../api/types";
import { Icon, type IconName } from "../../parts/Icon";
import type { Tone } from "../../parts/Mark";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { count } from "../../words/numbers";
import { span } from "../../words/time";
import type { Filter } from "../runs/filter";
import { names } from "../workflow/names";
import { Share } from "./Share";
import { SlaBoard } from "./SlaBoard";
import "./health.css";

export function Health() {
  const { data, error, refetch } = useQuery({
    queryKey: ["overview"],
    queryFn: calls.overview,
    refetchInterval: 15_000,
  });
  return (
    <Screen
      title="Health"
      actions={
        data ? (
          <span className="quiet">
            as of <Time at={data.asOf} />
          </span>
        ) : null
      }
    >
      {error && !data ? <Trouble error={error} retry={() => void refetch()} /> : null}
      {!data && !error ? <Loading /> : null}
      {data ? <Tiles of={data} /> : null}
      {data ? <Board of={data} /> : null}
      <SlaBoard />
    </Screen>
  );
}

function Tiles({ of }: { of: Overview }) {
  const sum = (part: (row: OverviewRow) => number) =>
    of.workflows.reduce((all, row) => all + part(row), 0);
  const stuck = sum((row) => row.stuck);
  const faulted = sum((row) => row.faulted);
  return (
    <nav className="tiles" aria-label="What needs somebody">
      <Tile
        icon="turn"
        name="Under way"
        much={sum((row) => row.running)}
        search={{ status: "running" }}
      />
      <Tile
        icon="hourglass"
        name="Waiting"
        much={sum((row) => row.waiting)}
        search={{ status: "waiting" }}
      />
      <Tile
        icon="stuck"
        name="Stuck"
        much={stuck}
        tone={stuck ? "warn" : "ok"}
        search={{ stuck: true }}
      />
      <Tile
        icon="cross"
        name="Faulted"
        much={faulted}
        tone={faulted ? "bad" : "ok"}
        search={{ status: "faulted" }}
      />
      <Link to="/dead" className="tile" data-tone={of.dead ? "bad" : "ok"}>
        <Inside icon="dead" name="Dead letters" much={of.dead} />
      </Link>
      <button
        type="button"
        className="tile"
        data-tone={of.breaches ? "bad" : "ok"}
        onClick={() => document.getElementById("sla")?.scrollIntoView({ behavior: "smooth" })}
      >
        <Inside icon="flag" name="SLA breaches" much={of.breaches} />
      </button>
      <Link to="/participants" className="tile" data-tone={of.participants.silent ? "warn" : "ok"}>
        <Inside
          icon="participants"
          name="Participants up"
          much={of.participants.up}
          more={of.participants.silent ? `${of.participants.silent} silent` : ""}
        />
      </Link>
    </nav>
  );
}

function Tile({
  icon,
  name,
  much,
  tone = "idle",
  search,
}: {
  icon: IconName;
  name: string;
  much: number;
  tone?: Tone;
  search: Filter;
}) {
  return (
    <Link to="/runs" search={search} className="tile" data-tone={tone}>
      <Inside icon={icon} name={name} much={much} />
    </Link>
  );
}

function Inside({
  icon,
  name,
  much,
  more,
}: {
  icon: IconName;
  name: string;
  much: number;
  more?: string;
}) {
  return (
    <>
      <span className="what">
        <Icon name={icon} /> {name}
      </span>
      <span className="much">
        {count(much)} {more ? <small>{more}</small> : null}
      </span>
    </>
  );
}

const COLUMNS: Column<OverviewRow>[] = [
  {
    id: "workflow",
    title: "Workflow",
    by: (row) => row.workflow,
    cell: (row) => (
      <Link to="/workflows/$namespace/$name" params={names(row.workflow)}>
        <b>{row.workflow}</b>
      </Link>
    ),
  },
  {
    id: "control",
    title: "Runs, by control model",
    by: (row) => row.runs,
    cell: (row) => <Split row={row} />,
  },
  {
    id: "success",
    title: "Success",
    by: (row) => row.successRate ?? -1,
    cell: (row) => <Share of={row.successRate} none="–" />,
  },
  {
    id: "p50",
    title: "p50",
    number: true,
    by: (row) => row.p50Ms ?? -1,
    cell: (row) => span(row.p50Ms),
  },
  {
    id: "p95",
    title: "p95",
    number: true,
    by: (row) => row.p95Ms ?? -1,
    cell: (row) => span(row.p95Ms),
  },
  ...(["running", "waiting", "faulted"] as const).map(
    (status): Column<OverviewRow> => ({
      id: status,
      title: { running: "Under way", waiting: "Waiting", faulted: "Faulted" }[status],
      number: true,
      by: (row) => row[status],
      cell: (row) => (
        <Many
          much={row[status]}
          tone={status === "faulted" ? "bad" : "idle"}
          search={{ workflow: row.workflow, status }}
          what={`${status} runs of ${row.workflow}`}
        />
      ),
    }),
  ),
  {
    id: "stuck",
    title: "Stuck",
    number: true,
    by: (row) => row.stuck,
    cell: (row) => (
      <Many
        much={row.stuck}
        tone="warn"
        search={{ workflow: row.workflow, stuck: true }}
        what={`stuck runs of ${row.workflow}`}
      />
    ),
  },
  {
    id: "last",
    title: "Last ended",
    by: (row) => row.lastEndedAt,
    cell: (row) => <Time at={row.lastEndedAt} />,
  },
];

function Board({ of }: { of: Overview }) {
  const navigate = useNavigate();
  return (
    <section className="card" aria-labelledby="board">
      <header>
        <h2 id="board">Workflows</h2>
      </header>
      {of.workflows.length ? (
        <Plain
          label="How each workflow does"
          columns={COLUMNS}
          rows={of.workflows}
          idOf={(row) => row.workflow}
          onOpen={(row) => void navigate({ to: "/runs", search: { workflow: row.workflow } })}
        />
      ) : (
        <Empty icon="health" title="Nothing has run yet" command="batuta run greeting.yaml">
          How each workflow does shows here once it has run.
        </Empty>
      )}
    </section>
  );
}

function Many({
  much,
  tone,
  search,
  what,
}: {
  much: number;
  tone: Tone;
  search: Filter;
  what: string;
}) {
  if (!much) return <span className="faint">0</span>;
  return (
    <Link
      to="/runs"
      search={search}
      className="many"
      data-tone={tone}
      aria-label={`${much} ${what}`}
    >
      {count(much)}
    </Link>
  );
}

function Split({ row }: { row: OverviewRow }) {
  const { orchestrated, choreographed } = row.control;
  const told = `${orchestrated} orchestrated, ${choreographed} choreographed`;
  return (
    <span className="row" title={told}>
      <span className="number split-number">{count(row.runs)}</span>
      <span className="split-of">
        <Icon name="baton" /> {count(orchestrated)}
        <Icon name="dance" /> {count(choreographed)}
      </span>
    </span>
  );
}
