// The picture of the live map: a node for each participant, an arrow for each pair.
import {
  Background,
  BackgroundVariant,
  BaseEdge,
  Controls,
  type Edge,
  EdgeLabelRenderer,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
  ReactFlow,
} from "@xyflow/react";
import { useMemo } from "react";
import type { MapNode, TrafficMap } from "../../api/types";
import { useWho } from "../../app/who";
import { Icon, type IconName } from "../../parts/Icon";
import { Status } from "../../parts/Mark";
import { HEIGHT, rate, type Spot, spots, type Tie, WIDTH, wayBetween, widthOf } from "./traffic";
import "@xyflow/react/dist/base.css";
import "../../graph/graph.css";

type Somebody = Node<{ node: MapNode; who: number }, "somebody">;
type Telling = Edge<{ tie: Tie; chosen: boolean; from: Spot; to: Spot }, "telling">;

const KINDS: Record<MapNode["kind"], { icon: IconName; word: string }> = {
  participant: { icon: "participants", word: "participant" },
  external: { icon: "out", word: "external" },
  conductor: { icon: "baton", word: "conductor" },
  world: { icon: "map", word: "the world" },
};
const TONES = {
  busy: "var(--accent)",
  quiet: "var(--text-3)",
  silent: "var(--line-strong)",
  undeclared: "var(--warn)",
  failing: "var(--bad)",
};

export function MapPicture({
  map,
  ties,
  chosen,
  onChoose,
}: {
  map: TrafficMap;
  ties: Tie[];
  chosen: string | null;
  onChoose: (id: string | null) => void;
}) {
  const who = useWho();
  // Places depend on names alone, so that nothing jumps when a number changes.
  const shape = `${map.nodes.map((node) => node.name).join()} ${ties.map((tie) => tie.id).join()}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape is what places are made of
  const placed = useMemo(() => spots(map.nodes, ties), [shape]);
  const nodes = placed.map(
    ({ node, x, y }): Somebody => ({
      id: node.name,
      type: "somebody",
      position: { x: x - WIDTH / 2, y: y - HEIGHT / 2 },
      width: WIDTH,
      height: HEIGHT,
      selectable: false,
      focusable: false,
      data: {
        node: map.nodes.find((one) => one.name === node.name) ?? node,
        who: who(node.name),
      },
    }),
  );
  const places = new Map(placed.map((spot) => [spot.node.name, spot]));
  const edges = ties.flatMap((tie): Telling[] => {
    const from = places.get(tie.from);
    const to = places.get(tie.to);
    if (!from || !to) return [];
    return [
      {
        id: tie.id,
        source: tie.from,
        target: tie.to,
        type: "telling",
        data: { tie, chosen: chosen === tie.id, from, to },
        markerEnd: { type: MarkerType.ArrowClosed, width: 13, height: 13, color: TONES[tie.mood] },
        ariaLabel: `${tie.from} tells ${tie.to}: ${rate(tie.perMinute)}`,
        focusable: false,
        zIndex: tie.mood === "silent" ? 0 : 1,
      },
    ];
  });
  return (
    <div className="flow" role="group" aria-label="Participants and the events between them">
      <ReactFlow
        key={shape}
        nodes={nodes}
        edges={edges}
        nodeTypes={NODES}
        edgeTypes={EDGES}
        nodesDraggable={false}
        nodesConnectable={false}
        onEdgeClick={(_, edge) => onChoose(edge.id)}
        onPaneClick={() => onChoose(null)}
        fitView
        fitViewOptions={{ maxZoom: 1.1, padding: 0.1 }}
        minZoom={0.2}
        maxZoom={1.6}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
        <Controls showInteractive={false} position="bottom-right" />
      </ReactFlow>
    </div>
  );
}

function SomebodyBox({ data }: NodeProps<Somebody>) {
  const { node, who } = data;
  const kind = KINDS[node.kind];
  const isOurs = node.kind === "participant";
  return (
    <div className={`task somebody ${node.kind}`} data-who={isOurs ? who : ""}>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
      <div className="task-name">
        {isOurs ? null : <Icon name={kind.icon} />}
        <span className="cut">{node.name}</span>
        {isOurs ? <Status of={node.up ? "up" : "silent"} plain /> : null}
      </div>
      <div className="task-more">
        {node.lag ? `${node.lag} waiting` : isOurs ? "nothing waiting" : kind.word}
      </div>
    </div>
  );
}

function TellingEdge(props: EdgeProps<Telling>) {
  if (!props.data) return null;
  const { tie, chosen, from, to } = props.data;
  const { path, x, y } = wayBetween(from, to);
  const width = widthOf(tie.perMinute);
  return (
    <>
      <BaseEdge
        path={path}
        {...(props.markerEnd ? { markerEnd: props.markerEnd } : {})}
        className={`tie ${tie.mood}${chosen ? " chosen" : ""}`}
        style={{ strokeWidth: chosen ? width + 1.5 : width }}
        interactionWidth={22}
      />
      {tie.mood === "busy" || tie.mood === "failing" ? (
        <path d={path} className={`pulse-line ${tie.mood}`} style={{ strokeWidth: width + 1 }} />
      ) : null}
      {tie.perMinute || tie.errors ? (
        <EdgeLabelRenderer>
          <span
            className={`edge-label ${tie.mood}`}
            style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }}
          >
            {tie.errors ? `${tie.errors} errors · ` : ""}
            {rate(tie.perMinute)}
          </span>
        </EdgeLabelRenderer>
      ) : null}
    </>
  );
}

const NODES = { somebody: SomebodyBox };
const EDGES = { telling: TellingEdge };
