// A workflow with a conductor, as cards and arrows: the conductor's steps in one lane, one below the
// other; what a participant is asked for in its own lane beside the step.
import type { Graph, GraphNode } from "../api/types";
import type { Arrow, Card, Lane } from "./place";

export interface StepCard extends Card {
  node: GraphNode;
  /** The step's number; null for what a participant does. */
  number: number | null;
  depth: number;
}

export interface Orchestration {
  lanes: Lane[];
  cards: StepCard[];
  arrows: Arrow[];
}

const CONDUCTOR = "conductor";
const STEP = 32;
const TASK = 46;
/** What a conductor asks somebody else for; it waits, listens and emits by itself. */
const ASKED = new Set(["call", "run"]);

export function orchestration(graph: Graph, participants: string[]): Orchestration {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  const cards: StepCard[] = [];
  const arrows: Arrow[] = [];
  const used = new Set<string>();
  let row = 0;
  for (const node of graph.nodes) {
    if (node.kind === "start" || node.kind === "end" || node.id.includes("/metadata/")) continue;
    const step = `step ${node.id}`;
    cards.push({
      id: step,
      lane: CONDUCTOR,
      row,
      height: STEP,
      node,
      number: row + 1,
      depth: depthOf(node, byId),
    });
    if (ASKED.has(node.kind) && node.participant) {
      used.add(node.participant);
      cards.push({
        id: node.id,
        lane: node.participant,
        row,
        height: TASK,
        node,
        number: null,
        depth: 0,
      });
      arrows.push({ id: `ask ${node.id}`, from: step, to: node.id, label: "", kind: "ask" });
      arrows.push({ id: `answer ${node.id}`, from: node.id, to: step, label: "", kind: "answer" });
    }
    row += 1;
  }
  for (let at = 1; at < row; at += 1) {
    const [before, here] = [at - 1, at].map((one) =>
      cards.find((card) => card.row === one && card.lane === CONDUCTOR),
    );
    if (before && here) {
      arrows.push({ id: `next ${at}`, from: before.id, to: here.id, label: "", kind: "next" });
    }
  }
  return {
    lanes: [
      { id: CONDUCTOR, participant: null },
      ...participants.filter((one) => used.has(one)).map((one) => ({ id: one, participant: one })),
    ],
    cards,
    arrows,
  };
}

function depthOf(node: GraphNode, byId: Map<string, GraphNode>): number {
  let depth = 0;
  for (let up = node.parent; up; up = byId.get(up)?.parent ?? null) depth += 1;
  return depth;
}
