// Who tells whom what, as a picture: everybody on a ring, the conductor in the middle of it, and one
// arrow for each pair that has anything to do with each other.
import type { MapEdge, MapNode, TrafficMap } from "../../api/types";

export type Mood = "busy" | "quiet" | "silent" | "undeclared" | "failing";

export interface Tie {
  id: string;
  from: string;
  to: string;
  edges: MapEdge[];
  perMinute: number;
  errors: number;
  mood: Mood;
}

export interface Spot {
  node: MapNode;
  /** Of its middle. */
  x: number;
  y: number;
}

export const WIDTH = 164;
export const HEIGHT = 52;

/** How an edge is: that something fails counts for more than that nobody declared it. */
export function moodOf(edges: MapEdge[]): Mood {
  if (edges.some((edge) => edge.errors > 0)) return "failing";
  if (edges.some((edge) => edge.seen && !edge.declared)) return "undeclared";
  if (edges.every((edge) => !edge.seen)) return "silent";
  return edges.some((edge) => edge.perMinute > 0) ? "busy" : "quiet";
}

export function ties(map: TrafficMap): Tie[] {
  const found = new Map<string, MapEdge[]>();
  for (const edge of map.edges) {
    if (edge.from === edge.to) continue;
    const id = `${edge.from} → ${edge.to}`;
    found.set(id, [...(found.get(id) ?? []), edge]);
  }
  return [...found].map(([id, edges]) => ({
    id,
    from: edges[0]?.from ?? "",
    to: edges[0]?.to ?? "",
    edges: edges.sort((a, b) => b.count - a.count || a.type.localeCompare(b.type)),
    perMinute: edges.reduce((sum, edge) => sum + edge.perMinute, 0),
    errors: edges.reduce((sum, edge) => sum + edge.errors, 0),
    mood: moodOf(edges),
  }));
}

/** Places on a ring, neighbours those that tell each other much; the same map, the same places. */
export function spots(nodes: MapNode[], all: Tie[]): Spot[] {
  const middle = nodes.filter((node) => node.kind === "conductor");
  const ring = inOrder(
    nodes.filter((node) => node.kind !== "conductor"),
    all,
  );
  // Higher than wide: boxes are wide, and so is what stands beside the picture.
  const wide = Math.max(250, ring.length * 38);
  const high = Math.max(230, ring.length * 46);
  return [
    ...middle.map((node, at) => ({ node, x: 0, y: (at - (middle.length - 1) / 2) * 80 })),
    ...ring.map((node, at) => {
      const angle = -Math.PI / 2 + (2 * Math.PI * at) / ring.length;
      return { node, x: Math.round(Math.cos(angle) * wide), y: Math.round(Math.sin(angle) * high) };
    }),
  ];
}

/** One after the other along the strongest ties, so that few arrows cross. */
function inOrder(nodes: MapNode[], all: Tie[]): MapNode[] {
  const left = [...nodes].sort((a, b) => a.name.localeCompare(b.name));
  const strength = new Map<string, number>();
  for (const tie of all) {
    const pair = [tie.from, tie.to].sort().join("\n");
    // What is declared binds as what is seen does: places must not change with the traffic.
    strength.set(pair, (strength.get(pair) ?? 0) + tie.edges.length);
  }
  const found: MapNode[] = [];
  let next = left.find((node) => node.kind === "world") ?? left[0];
  while (next) {
    const here = next;
    found.push(here);
    left.splice(left.indexOf(here), 1);
    const tied = (node: MapNode) => strength.get([here.name, node.name].sort().join("\n")) ?? 0;
    next = left.reduce<MapNode | undefined>(
      (best, node) => (best === undefined || tied(node) > tied(best) ? node : best),
      undefined,
    );
  }
  return found;
}

export interface Way {
  path: string;
  x: number;
  y: number;
}

const BOW = 0.14;
/** For a way that would lead through the middle, where the conductor stands. */
const WIDE_BOW = 0.42;

/** From the frame of one box to that of another, bent to its own right, so that two ways differ. */
export function wayBetween(from: Spot, to: Spot): Way {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const across = Math.abs(from.x * to.y - to.x * from.y) / (Math.hypot(dx, dy) || 1) < HEIGHT;
  const atMiddle = [from, to].some((spot) => Math.hypot(spot.x, spot.y) < WIDTH);
  const bow = across && !atMiddle ? WIDE_BOW : BOW;
  const bend = { x: (from.x + to.x) / 2 - dy * bow, y: (from.y + to.y) / 2 + dx * bow };
  const start = atFrame(from, bend, 3);
  const end = atFrame(to, bend, 7);
  return {
    path: `M ${start.x} ${start.y} Q ${bend.x} ${bend.y} ${end.x} ${end.y}`,
    x: (start.x + 2 * bend.x + end.x) / 4,
    y: (start.y + 2 * bend.y + end.y) / 4,
  };
}

/** Where the line from a box's middle to a point leaves its frame, a little outside. */
function atFrame(box: Spot, point: { x: number; y: number }, outside: number) {
  const [dx, dy] = [point.x - box.x, point.y - box.y];
  const size = Math.hypot(dx, dy) || 1;
  const part = Math.min(WIDTH / 2 / Math.abs(dx || 1e-9), HEIGHT / 2 / Math.abs(dy || 1e-9));
  return {
    x: Math.round(box.x + dx * part + (dx / size) * outside),
    y: Math.round(box.y + dy * part + (dy / size) * outside),
  };
}

/** How wide an arrow is drawn: a little wider for each time ten as many messages. */
export function widthOf(perMinute: number): number {
  return 1.5 + Math.min(4, Math.log10(1 + perMinute));
}

export function rate(perMinute: number): string {
  if (!perMinute) return "silent";
  if (perMinute >= 120) return `${Math.round(perMinute / 60)}/s`;
  return perMinute >= 10 ? `${Math.round(perMinute)}/min` : `${perMinute.toFixed(1)}/min`;
}
