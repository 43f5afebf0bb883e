// The workflow as one conductor's sequence.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { calls } from "../../api/calls";
import type { Version, Workflow } from "../../api/types";
import { Lanes } from "../../lanes/Lanes";
import { orchestration } from "../../lanes/orchestration";
import { Loading, Trouble } from "../../parts/Notice";

const ROW_GAP = 14;

export function AsOrchestration({
  workflow,
  version,
  found,
}: {
  workflow: Workflow;
  version: string;
  found: Version;
}) {
  const graph = useQuery({
    queryKey: ["workflow", workflow.name, version, "graph"],
    queryFn: () => calls.graph(workflow.name, version),
  });
  const drawn = useMemo(
    () =>
      graph.data
        ? orchestration(
            graph.data,
            found.participants.map((one) => one.name),
          )
        : null,
    [graph.data, found],
  );
  if (graph.error) return <Trouble error={graph.error} retry={() => void graph.refetch()} />;
  if (!drawn) return <Loading />;
  return (
    <section className="card view" aria-label="As orchestration">
      <Lanes
        label="The conductor's steps, and what it asks participants for"
        {...drawn}
        rowGap={ROW_GAP}
        show={(card) =>
          card.number === null ? (
            <div className="rule asked">
              <span className="does">{card.node.name}</span>
              <span className="on cut">
                {card.node.kind}
                {card.node.summary && card.node.summary !== card.node.name
                  ? ` · ${card.node.summary}`
                  : ""}
              </span>
            </div>
          ) : (
            <div className="step" style={{ marginLeft: Math.min(card.depth, 5) * 12 }}>
              <span className="at">{card.number}</span>
              <b className="cut">{card.node.name}</b>
              <span className="faint push">{card.node.kind}</span>
            </div>
          )
        }
      />
    </section>
  );
}
