// One run, whatever its control model: how it stands, what is expected next, and what can be done.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { calls } from "../../api/calls";
import { Refusal } from "../../api/http";
import type { Revealed, RunDetail, Task } from "../../api/types";
import { useLiveRun } from "../../app/live";
import { Copy, Empty, Loading, Trouble } from "../../parts/Notice";
import { Reveal } from "../../parts/Reveal";
import { Screen } from "../../parts/Screen";
import { Tabs } from "../../parts/Tabs";
import { hasRedacted } from "../../words/redacted";
import { RunStatus } from "../runs/columns";
import { Actions } from "./Actions";
import { Data } from "./Data";
import { Facts, Findings, Waited } from "./Facts";
import { RunEvents } from "./RunEvents";
import { RunGraph } from "./RunGraph";
import { runWith, tasksWith } from "./revealed";
import { TaskPanel } from "./TaskPanel";
import { Timeline } from "./Timeline";
import { keyOf } from "./timeline";
import "./run.css";

const NONE: Task[] = [];

export function RunScreen() {
  const { run: id } = useParams({ from: "/runs/$run" });
  const run = useQuery({ queryKey: ["run", id], queryFn: () => calls.run(id) });
  useLiveRun(run.data ? id : null);
  const tasks = useQuery({ queryKey: ["run", id, "tasks"], queryFn: () => calls.tasks(id) });
  if (run.error instanceof Refusal && run.error.status === 404) {
    return (
      <Screen title="Run" trail={<Link to="/runs">Runs</Link>}>
        <Empty icon="question" title="There is no such run" command={`batuta runs show ${id}`}>
          It may have been purged, or belong to another store.
        </Empty>
      </Screen>
    );
  }
  if (!run.data) {
    return (
      <Screen title="Run" trail={<Link to="/runs">Runs</Link>}>
        {run.error ? (
          <Trouble error={run.error} retry={() => void run.refetch()} />
        ) : (
          <Loading rows={9} />
        )}
      </Screen>
    );
  }
  return <Shown key={id} seen={run.data} seenTasks={tasks.data?.items ?? NONE} />;
}

function Shown({ seen, seenTasks }: { seen: RunDetail; seenTasks: Task[] }) {
  const [revealed, setRevealed] = useState<Revealed | null>(null);
  const run = runWith(seen, revealed);
  const tasks = useMemo(() => tasksWith(seenTasks, revealed), [seenTasks, revealed]);
  const hides = useMemo(() => hasRedacted([seen, seenTasks]), [seen, seenTasks]);
  const { tab = "timeline", task: chosen } = useSearch({ from: "/runs/$run" });
  const navigate = useNavigate({ from: "/runs/$run" });
  const task = useMemo(() => tasks.find((one) => keyOf(one) === chosen), [tasks, chosen]);
  const show = (search: { tab?: string; task?: string }) =>
    void navigate({ search: (before) => ({ ...before, ...search }), replace: true });
  const choose = (key: string) => show({ task: key });
  const close = () => void navigate({ search: ({ task: _, ...rest }) => rest, replace: true });
  return (
    <Screen
      title={`Run ${run.id}`}
      trail={
        <>
          <Link to="/runs">Runs</Link>
          <span aria-hidden="true">/</span>
        </>
      }
      heading={
        <span className="row">
          <span className="mono run-id">{run.id}</span>
          <Copy text={run.id} what="run id" />
          <RunStatus run={run} />
        </span>
      }
      actions={
        <>
          {hides && !revealed ? (
            <Reveal ask={(reason) => calls.reveal(run.id, reason)} onShown={setRevealed} />
          ) : null}
          <Actions run={run} tasks={tasks} />
        </>
      }
      tabs={
        <>
          <Facts run={run} />
          <Tabs
            label="Views of the run"
            chosen={tab}
            onChoose={(one) => show({ tab: one })}
            tabs={[
              { id: "timeline", name: "Timeline" },
              { id: "graph", name: "Graph" },
              { id: "events", name: "Events" },
              { id: "data", name: "Data" },
            ]}
          />
        </>
      }
    >
      <Waited run={run} />
      <Findings run={run} />
      <div className={task ? "split" : "whole"}>
        <section className="card view" aria-label={tab}>
          {tab === "graph" ? (
            <RunGraph run={run} tasks={tasks} chosen={task ?? null} onChoose={choose} />
          ) : tab === "events" ? (
            <RunEvents run={run} />
          ) : tab === "data" ? (
            <Data run={run} revealed={revealed} />
          ) : (
            <Timeline run={run} tasks={tasks} chosen={chosen ?? null} onChoose={choose} />
          )}
        </section>
        {task ? (
          <TaskPanel
            key={keyOf(task)}
            run={run}
            task={task}
            tasks={tasks}
            onClose={close}
            onChoose={choose}
          />
        ) : null}
      </div>
    </Screen>
  );
}
