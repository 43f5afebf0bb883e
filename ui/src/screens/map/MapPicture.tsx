// The picture of the live map: a node for each participant, an arrow for each pair.
import {
  BaseEdge,
  type Edge,
  type EdgeProps,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
} from "@xyflow/react";
import { useMemo } from "react";
import type { MapNode, TrafficMap } from "../../api/types";
import { useWho } from "../../app/who";
import { ARROW, ArrowWords, Canvas } from "../../graph/Canvas";
import { Icon, type IconName } from "../../parts/Icon";
import { Status } from "../../parts/Mark";
import { plural } from "../../words/numbers";
import { HEIGHT, rate, type Spot, spots, type Tie, WIDTH, wayBetween, widthOf } from "./traffic";

type Somebody = Node<{ node: MapNode; who: number }, "somebody">;
type Telling = Edge<{ tie: Tie; chosen: boolean; from: Spot; to: Spot }, "telling">;

const KINDS: Record<MapNode["kind"], { icon: IconName; word: string }> = {
  participant: { icon: "participants", word: "nothing waiting" },
  external: { icon: "out", word: "somebody else's" },
  conductor: { icon: "baton", word: "directs runs" },
  world: { icon: "map", word: "everybody outside" },
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
        markerEnd: { ...ARROW, type: MarkerType.ArrowClosed, color: TONES[tie.mood] },
        ariaLabel: `${tie.from} tells ${tie.to}: ${rate(tie.perMinute)}`,
        focusable: false,
        zIndex: tie.mood === "silent" ? 0 : 1,
      },
    ];
  });
  return (
    <Canvas
      key={shape}
      label="Participants and the events between them"
      largest={1.1}
      nodes={nodes}
      edges={edges}
      nodeTypes={NODES}
      edgeTypes={EDGES}
      onEdgeClick={(_, edge) => onChoose(edge.id)}
      onPaneClick={() => onChoose(null)}
    />
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
      <div className="task-more">{node.lag ? `${node.lag} waiting` : kind.word}</div>
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
        <ArrowWords x={x} y={y} mood={tie.mood}>
          {`${tie.errors ? `${plural(tie.errors, "error")} · ` : ""}${rate(tie.perMinute)}`}
        </ArrowWords>
      ) : null}
    </>
  );
}

const NODES = { somebody: SomebodyBox };
const EDGES = { telling: TellingEdge };
