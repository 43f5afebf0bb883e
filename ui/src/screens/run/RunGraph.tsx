// A run on the picture of its workflow.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { calls } from "../../api/calls";
import type { RunDetail, Task } from "../../api/types";
import { Flow } from "../../graph/Flow";
import { statesOf } from "../../graph/states";
import { Loading, Trouble } from "../../parts/Notice";
import { say } from "../../parts/Toasts";
import { keyOf } from "./timeline";

export function RunGraph({
  run,
  tasks,
  chosen,
  onChoose,
}: {
  run: RunDetail;
  tasks: Task[];
  chosen: Task | null;
  onChoose: (key: string) => void;
}) {
  const graph = useQuery({
    queryKey: ["workflow", run.workflow, run.version, "graph"],
    queryFn: () => calls.graph(run.workflow, run.version),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const states = useMemo(() => {
    const found = statesOf(tasks);
    const ended = run.endedAt !== null;
    found.set("start", { status: "completed", times: 1, attempts: 1 });
    if (ended) found.set("end", { status: run.status, times: 1, attempts: 1 });
    return found;
  }, [tasks, run.endedAt, run.status]);
  if (graph.error) return <Trouble error={graph.error} retry={() => void graph.refetch()} />;
  if (!graph.data) return <Loading />;
  return (
    <Flow
      graph={graph.data}
      states={states}
      expected={run.endedAt ? [] : run.expected}
      chosen={chosen?.reference ?? null}
      label="The run on the picture of its workflow"
      onChoose={(node) => {
        const last = tasks.filter((task) => task.reference === node.id).at(-1);
        if (last) onChoose(keyOf(last));
        else say(`${node.name} has not begun.`, "idle");
      }}
    />
  );
}
