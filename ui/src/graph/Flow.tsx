// A workflow as a picture: tasks in the colours of their participants and, of a run, how far each is.
import {
  BaseEdge,
  type Edge,
  type EdgeProps,
  getSmoothStepPath,
  Handle,
  MarkerType,
  type Node,
  type NodeProps,
  Position,
} from "@xyflow/react";
import { useMemo } from "react";
import type { EdgeKind, Expected, Graph, GraphNode } from "../api/types";
import { useWho } from "../app/who";
import { Icon } from "../parts/Icon";
import { Status } from "../parts/Mark";
import { ARROW, ArrowWords, Canvas } from "./Canvas";
import { type Placed, type Point, path as pathOf, picture } from "./layout";
import type { State } from "./states";

type TaskNode = Node<
  { placed: Placed; who: number | null; state: State | null; expected: boolean; live: boolean },
  "task" | "box" | "dot"
>;

const COLOURS: Record<EdgeKind, string> = {
  next: "var(--line-strong)",
  branch: "var(--line-strong)",
  case: "var(--line-strong)",
  catch: "var(--bad)",
  loop: "var(--busy)",
  compensate: "var(--warn)",
  event: "var(--rest)",
};
const ACTING = new Set(["call", "run", "listen", "emit", "wait"]);

export function Flow({
  graph,
  states,
  expected = [],
  chosen,
  onChoose,
  label,
}: {
  graph: Graph;
  /** How a run stands; without, the picture is of the workflow alone. */
  states?: Map<string, State>;
  expected?: Expected[];
  chosen?: string | null;
  onChoose?: (node: GraphNode) => void;
  label: string;
}) {
  const who = useWho();
  const drawn = useMemo(() => picture(graph), [graph]);
  const awaited = useMemo(() => new Set(expected.map((one) => one.reference)), [expected]);
  const nodes = useMemo(
    () =>
      drawn.placed.map((placed): TaskNode => {
        const { node } = placed;
        const type =
          node.kind === "start" || node.kind === "end" ? "dot" : placed.holds ? "box" : "task";
        return {
          id: node.id,
          type,
          position: { x: placed.x, y: placed.y },
          width: placed.width,
          height: placed.height,
          ...(node.parent && type !== "dot" ? { parentId: node.parent } : {}),
          selected: chosen === node.id,
          selectable: type !== "dot",
          focusable: type !== "dot" && onChoose !== undefined,
          ariaLabel: told(node, states?.get(node.id)),
          data: {
            placed,
            who: node.participant && ACTING.has(node.kind) ? who(node.participant) : null,
            state: states?.get(node.id) ?? null,
            expected: awaited.has(node.id),
            live: states !== undefined,
          },
        };
      }),
    [drawn, states, awaited, chosen, who, onChoose],
  );
  const edges = useMemo(
    () =>
      drawn.edges.map(({ edge, points, label }, at): Edge => {
        const passed = states?.has(edge.to) && (edge.from === "start" || states.has(edge.from));
        return {
          id: `${at} ${edge.from} ${edge.to}`,
          source: edge.from,
          target: edge.to,
          type: "flow",
          label: edge.label,
          className: `edge ${edge.kind}`,
          data: { passed: passed ?? false, points, place: label },
          markerEnd: {
            ...ARROW,
            type: MarkerType.ArrowClosed,
            color: passed ? "var(--text-3)" : COLOURS[edge.kind],
          },
          focusable: false,
          zIndex: edge.kind === "event" ? 3 : 1,
        };
      }),
    [drawn, states],
  );
  return (
    <Canvas
      label={label}
      largest={1}
      nodes={nodes}
      edges={edges}
      nodeTypes={NODES}
      edgeTypes={EDGES}
      edgesFocusable={false}
      onNodeClick={(_, node) => onChoose?.(node.data.placed.node)}
      onNodesChange={(changes) => {
        // Enter on a task that has the focus chooses it, as a click does.
        for (const change of changes) {
          if (change.type === "select" && change.selected) {
            const found = drawn.placed.find((one) => one.node.id === change.id);
            if (found) onChoose?.(found.node);
          }
        }
      }}
    />
  );
}

function told(node: GraphNode, state: State | undefined): string {
  const whose = node.participant ? `, ${node.participant}` : "";
  return `${node.name}, ${node.kind}${whose}${state ? `, ${state.status}` : ""}`;
}

function Ports() {
  return (
    <>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </>
  );
}

function Head({ data }: { data: TaskNode["data"] }) {
  const { placed, state } = data;
  const { node, undo } = placed;
  return (
    <>
      <div className="task-name">
        <span className="cut">{node.name}</span>
        {state && state.times > 1 ? (
          <span className="times" title={`begun ${state.times} times`}>
            ×{state.times}
          </span>
        ) : null}
        {undo ? (
          <span className="undo" title={`undone by ${undo.summary || undo.name}`}>
            <Icon name="retry" />
          </span>
        ) : null}
        {state ? <Status of={state.status} plain /> : null}
        {!state && data.expected ? <Status of="late" plain /> : null}
      </div>
      <div className="task-more cut">
        {node.participant && data.who !== null ? (
          <span className="who" data-who={data.who}>
            {node.participant}
          </span>
        ) : null}
        <span>
          {node.kind}
          {node.summary && node.summary !== node.name ? ` · ${node.summary}` : ""}
        </span>
      </div>
    </>
  );
}

function TaskBox({ data, selected }: NodeProps<TaskNode>) {
  return (
    <div
      className="task"
      data-who={data.who ?? ""}
      data-status={data.state?.status ?? (data.live ? "untouched" : "")}
      data-expected={data.expected}
      data-chosen={selected}
    >
      <Ports />
      <Head data={data} />
    </div>
  );
}

function HoldingBox({ data, selected }: NodeProps<TaskNode>) {
  return (
    <div
      className="task holding"
      data-status={data.state?.status ?? (data.live ? "untouched" : "")}
      data-chosen={selected}
    >
      <Ports />
      <Head data={data} />
    </div>
  );
}

function Dot({ data }: NodeProps<TaskNode>) {
  return (
    <div className="dot">
      <Ports />
      {data.placed.node.name}
    </div>
  );
}

/** An edge along the way that the layout found; from box to box, where that has none, by itself. */
function FlowEdge(props: EdgeProps) {
  const { points, place, passed } = props.data as {
    points: Point[] | null;
    place: Point | null;
    passed: boolean;
  };
  const [free, freeX, freeY] = getSmoothStepPath({
    sourceX: props.sourceX,
    sourceY: props.sourceY,
    targetX: props.targetX,
    targetY: props.targetY,
    sourcePosition: Position.Bottom,
    targetPosition: Position.Top,
    borderRadius: 8,
  });
  const path = points ? pathOf(points) : free;
  const { x, y } = place ?? { x: freeX, y: freeY };
  const text = typeof props.label === "string" ? props.label : "";
  return (
    <>
      <BaseEdge
        path={path}
        {...(props.markerEnd ? { markerEnd: props.markerEnd } : {})}
        className={passed ? "passed" : ""}
      />
      {text ? (
        <ArrowWords x={x} y={y}>
          {text}
        </ArrowWords>
      ) : null}
    </>
  );
}

const NODES = { task: TaskBox, box: HoldingBox, dot: Dot };
const EDGES = { flow: FlowEdge };
