// The columns of the list of runs.
import { Link } from "@tanstack/react-router";
import type { ListedRun, Run } from "../../api/types";
import type { GridColumn } from "../../parts/Grid";
import { ControlMark, Status } from "../../parts/Mark";
import { Time, Took } from "../../parts/Time";
import type { TimeStyle } from "../../words/time";

/** Together as wide as the list is on a screen of 1280 px; a moment with its date takes more. */
export function widths(time: TimeStyle): Record<string, { least: number; share?: number }> {
  return {
    chosen: { least: 36 },
    status: { least: 118 },
    id: { least: 156, share: 0.3 },
    keys: { least: 142, share: 1 },
    workflow: { least: 134, share: 0.6 },
    control: { least: 132 },
    started: { least: time === "relative" ? 88 : 160 },
    took: { least: 94 },
    why: { least: 100, share: 1.6 },
  };
}

export const TITLES: Record<string, string> = {
  status: "Status",
  id: "Run",
  keys: "Business keys",
  workflow: "Workflow",
  control: "Control model",
  started: "Started",
  took: "Took",
  why: "Why",
};

export const COLUMNS: GridColumn<Run>[] = [
  {
    id: "chosen",
    header: ({ table }) => (
      <input
        type="checkbox"
        aria-label="Choose all that are loaded"
        checked={table.getIsAllRowsSelected()}
        ref={(box) => {
          if (box)
            box.indeterminate = table.getIsSomeRowsSelected() && !table.getIsAllRowsSelected();
        }}
        onChange={table.getToggleAllRowsSelectedHandler()}
      />
    ),
    cell: ({ row }) => (
      <input
        type="checkbox"
        aria-label={`Choose run ${row.id}`}
        checked={row.getIsSelected()}
        onChange={row.getToggleSelectedHandler()}
      />
    ),
  },
  {
    id: "status",
    header: TITLES.status ?? "",
    cell: ({ row }) => <RunStatus run={row.original} />,
  },
  {
    id: "id",
    header: TITLES.id ?? "",
    cell: ({ row }) => (
      <Link to="/runs/$run" params={{ run: row.id }} className="over mono tail" title={row.id}>
        {row.id}
      </Link>
    ),
  },
  {
    id: "keys",
    header: TITLES.keys ?? "",
    cell: ({ row }) => <Keys keys={row.original.keys} brief />,
  },
  {
    id: "workflow",
    header: TITLES.workflow ?? "",
    cell: ({ row }) => (
      <>
        {row.original.workflow} <span className="faint">{row.original.version}</span>
      </>
    ),
  },
  {
    id: "control",
    header: TITLES.control ?? "",
    cell: ({ row }) => <ControlMark of={row.original.control} />,
  },
  {
    id: "started",
    header: TITLES.started ?? "",
    cell: ({ row }) => <Time at={row.original.startedAt} />,
  },
  {
    id: "took",
    header: TITLES.took ?? "",
    cell: ({ row }) => <Took from={row.original.startedAt} to={row.original.endedAt} />,
  },
  {
    id: "why",
    header: TITLES.why ?? "",
    cell: ({ row }) => <Why of={whyOf(row.original)} />,
  },
];

function Why({ of }: { of: string }) {
  return (
    <span className="quiet" title={of}>
      {of}
    </span>
  );
}

/** A run's status; that nobody acts in it who should counts for more. */
export function RunStatus({ run }: { run: Run }) {
  return <Status of={run.stuckSince || run.problem ? "stuck" : run.status} />;
}

/** Business keys; where room is short their names are only told to who points or listens. */
export function Keys({ keys, brief }: { keys: Run["keys"]; brief?: boolean }) {
  const pairs = Object.entries(keys ?? {});
  if (!pairs.length) return <span className="faint">–</span>;
  return (
    <span className="row">
      {pairs.map(([name, value]) => (
        <span className="chip" key={name} title={name}>
          <span className={brief ? "unseen" : ""}>{name}</span>{" "}
          <b>{typeof value === "string" ? value : JSON.stringify(value)}</b>
        </span>
      ))}
    </span>
  );
}

export function whyOf(run: Run & Partial<Pick<ListedRun, "sla" | "conformance">>): string {
  if (run.problem) return run.problem;
  if (!run.error) return oddityOf(run);
  const { title, detail, status } = run.error;
  return [title ?? `status ${status}`, detail].filter(Boolean).join(": ");
}

/** What is not as it should be in a run that has not faulted. */
function oddityOf(run: Run & Partial<Pick<ListedRun, "sla" | "conformance">>): string {
  if (run.conformance === "violation") return "It does not go as its workflow says";
  if (run.sla === "breached") return "An SLA was not kept";
  return run.sla === "warned" ? "An SLA is near its time" : "";
}
