// Who tells whom what, as a picture: one arrow for each pair that has anything to do with each other.
import { Graph as Layout, layout } from "@dagrejs/dagre";
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
  x: number;
  y: number;
}

export const WIDTH = 168;
export const HEIGHT = 54;

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

/** Places from left to right; the same names and ties always give the same places. */
export function spots(nodes: MapNode[], all: Tie[]): Spot[] {
  const page = new Layout();
  page.setGraph({ rankdir: "LR", nodesep: 46, ranksep: 120, marginx: 20, marginy: 20 });
  page.setDefaultEdgeLabel(() => ({}));
  const known = new Set(nodes.map((node) => node.name));
  for (const node of [...nodes].sort((a, b) => a.name.localeCompare(b.name))) {
    page.setNode(node.name, { width: WIDTH, height: HEIGHT });
  }
  for (const tie of [...all].sort((a, b) => a.id.localeCompare(b.id))) {
    if (known.has(tie.from) && known.has(tie.to) && tie.from !== tie.to) {
      page.setEdge(tie.from, tie.to);
    }
  }
  layout(page);
  return nodes.map((node) => {
    const at = page.node(node.name) as { x: number; y: number };
    return { node, x: at.x - WIDTH / 2, y: at.y - HEIGHT / 2 };
  });
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
