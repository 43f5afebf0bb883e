// How a run stands at each task of its workflow.
import type { Task } from "../api/types";

export interface State {
  status: string;
  /** How often it was begun, attempts and rounds together. */
  times: number;
  attempts: number;
}

const WORTH = ["running", "faulted", "waiting", "cancelled", "completed"];

/** By reference: the newest status; of several that are under way at once, the liveliest. */
export function statesOf(tasks: Task[]): Map<string, State> {
  const states = new Map<string, State>();
  for (const task of tasks) {
    const before = states.get(task.reference);
    const isUnderWay = before?.status === "running" || before?.status === "waiting";
    const status =
      before && isUnderWay && rank(before.status) <= rank(task.status)
        ? before.status
        : task.status;
    states.set(task.reference, {
      status,
      times: (before?.times ?? 0) + 1,
      attempts: Math.max(before?.attempts ?? 0, task.attempt),
    });
  }
  return states;
}

function rank(status: string): number {
  const at = WORTH.indexOf(status);
  return at < 0 ? WORTH.length : at;
}
