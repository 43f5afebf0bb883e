// Where the tasks of a workflow stand in a picture. What holds other tasks is a box that is laid out
// by itself (dagre, from top to bottom) and then stands in the picture around it as one piece, so
// boxes never overlap. Undoing a task is a remark on the task.
import { Graph as Layout, layout } from "@dagrejs/dagre";
import type { Graph, GraphEdge, GraphNode } from "../api/types";

export interface Point {
  x: number;
  y: number;
}

export interface Placed {
  node: GraphNode;
  /** Of the task's upper left corner, in its parent. */
  x: number;
  y: number;
  width: number;
  height: number;
  holds: boolean;
  /** What undoes it, if anything does. */
  undo: GraphNode | null;
}

export interface Drawn {
  edge: GraphEdge;
  /** The way it takes, in the whole picture; null where it goes from one box into another. */
  points: Point[] | null;
  label: Point | null;
}

export interface Picture {
  /** Parents before what they hold. */
  placed: Placed[];
  edges: Drawn[];
}

interface Inner {
  edge: GraphEdge;
  points: Point[];
  label: Point | null;
}

const WIDTH = 208;
const HEIGHT = 50;
const DOT = 34;
const HEAD = 34;
const PAD = 14;
const LETTER = 6;
const MOST_LABEL = 200;
const UNDO = "/metadata/compensate";
const ENTRY = " entry";

export function picture(graph: Graph): Picture {
  const undoing = new Map<string, GraphNode>();
  const nodes = graph.nodes.filter((node) => {
    if (!node.id.includes(UNDO)) return true;
    if (node.id.endsWith(UNDO)) undoing.set(node.id.slice(0, -UNDO.length), node);
    return false;
  });
  const known = new Set(nodes.map((node) => node.id));
  const edges = graph.edges.filter((edge) => known.has(edge.from) && known.has(edge.to));
  const inside = new Map<string | null, GraphNode[]>();
  for (const node of nodes) {
    const parent = node.parent && known.has(node.parent) ? node.parent : null;
    inside.set(parent, [...(inside.get(parent) ?? []), node]);
  }
  const placed: Placed[] = [];
  const ways = new Map<string | null, Inner[]>();
  place(null);
  placed.reverse();
  return { placed, edges: drawn() };

  /** Lay out what one task holds; returns how large that is. Inner pieces come before outer ones. */
  function place(parent: string | null): { width: number; height: number } {
    const own = inside.get(parent) ?? [];
    const shift = parent === null ? 0 : HEAD - PAD;
    const page = new Layout({ multigraph: true });
    page.setGraph({ rankdir: "TB", nodesep: 28, ranksep: 34, marginx: PAD, marginy: PAD });
    page.setDefaultEdgeLabel(() => ({}));
    for (const node of own) page.setNode(node.id, sizeOf(node));
    if (parent !== null) page.setNode(ENTRY, { width: 2, height: 2 });
    const names = new Set(own.map((node) => node.id));
    const laid = edges.flatMap((edge, at) => {
      const from = edge.from === parent ? ENTRY : edge.from;
      if (!names.has(edge.to) || !(names.has(from) || from === ENTRY) || from === edge.to)
        return [];
      const width = edge.label ? Math.min(MOST_LABEL, edge.label.length * LETTER + 10) : 0;
      page.setEdge(
        from,
        edge.to,
        { width, height: edge.label ? 14 : 0, labelpos: "c" },
        String(at),
      );
      return [{ edge, from, name: String(at) }];
    });
    layout(page);
    ways.set(
      parent,
      laid.map(({ edge, from, name }) => {
        const found = page.edge(from, edge.to, name) as { points: Point[]; x?: number; y?: number };
        const label = found.x === undefined ? null : { x: found.x, y: (found.y ?? 0) + shift };
        return {
          edge,
          points: found.points.map((point) => ({ x: point.x, y: point.y + shift })),
          label: edge.label ? label : null,
        };
      }),
    );
    for (const node of own) {
      const found = page.node(node.id) as { x: number; y: number; width: number; height: number };
      placed.push({
        node,
        x: found.x - found.width / 2,
        y: found.y - found.height / 2 + shift,
        width: found.width,
        height: found.height,
        holds: inside.has(node.id),
        undo: undoing.get(node.id) ?? null,
      });
    }
    const { width = 0, height = 0 } = page.graph() as { width?: number; height?: number };
    return { width, height: height + shift };
  }

  function sizeOf(node: GraphNode): { width: number; height: number } {
    if (node.kind === "start" || node.kind === "end") return { width: DOT * 2, height: DOT };
    if (!inside.has(node.id)) return { width: WIDTH, height: HEIGHT };
    const inner = place(node.id);
    return { width: Math.max(WIDTH + 2 * PAD, inner.width), height: inner.height };
  }

  /** All edges, with their ways in the whole picture. */
  function drawn(): Drawn[] {
    const corners = new Map<string | null, Point>([[null, { x: 0, y: 0 }]]);
    for (const one of placed) {
      const outer = corners.get(one.node.parent) ?? { x: 0, y: 0 };
      corners.set(one.node.id, { x: outer.x + one.x, y: outer.y + one.y });
    }
    const found = new Map<GraphEdge, Drawn>();
    for (const [parent, inner] of ways) {
      const corner = corners.get(parent) ?? { x: 0, y: 0 };
      const moved = (point: Point) => ({ x: point.x + corner.x, y: point.y + corner.y });
      for (const { edge, points, label } of inner) {
        found.set(edge, { edge, points: points.map(moved), label: label ? moved(label) : null });
      }
    }
    return edges.map((edge) => found.get(edge) ?? { edge, points: null, label: null });
  }
}

const CORNER = 9;

/** A way through points as an SVG path, its corners rounded. */
export function path(points: Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let text = `M ${first.x} ${first.y}`;
  rest.forEach((point, at) => {
    const next = rest[at + 1];
    const before = points[at] as Point;
    if (!next) {
      text += ` L ${point.x} ${point.y}`;
      return;
    }
    const into = towards(point, before);
    const out = towards(point, next);
    text += ` L ${into.x} ${into.y} Q ${point.x} ${point.y} ${out.x} ${out.y}`;
  });
  return text;
}

/** A point a little way from one to another. */
function towards(from: Point, to: Point): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
  const part = Math.min(CORNER, length / 2) / length;
  return { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
}
