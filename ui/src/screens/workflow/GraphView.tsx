// The workflow's tasks as a picture; a task leads to its line in the source.
import { useQuery } from "@tanstack/react-query";
import { calls } from "../../api/calls";
import { Flow } from "../../graph/Flow";
import { Loading, Trouble } from "../../parts/Notice";

export function GraphView({
  workflow,
  version,
  onSource,
}: {
  workflow: string;
  version: string;
  onSource: (task: string) => void;
}) {
  const graph = useQuery({
    queryKey: ["workflow", workflow, version, "graph"],
    queryFn: () => calls.graph(workflow, version),
  });
  if (graph.error) return <Trouble error={graph.error} retry={() => void graph.refetch()} />;
  if (!graph.data) return <Loading />;
  return (
    <section className="card view" aria-label="Graph">
      <Flow
        graph={graph.data}
        label="The workflow's tasks"
        onChoose={(node) => onSource(node.id)}
      />
    </section>
  );
}
