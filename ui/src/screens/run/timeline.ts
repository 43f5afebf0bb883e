// A run's tasks as rows of a timeline: attempts of one task share a row, and what is inside of
// another task stands below it.
import type { Task } from "../../api/types";
import { when } from "../../words/time";

export interface Row {
  /** The task and which time round it was, without the attempt. */
  id: string;
  reference: string;
  name: string;
  kind: string;
  participant: string | null;
  depth: number;
  /** Which time round, where a task has more than one: `2`, `2.1`. */
  round: string;
  undoes: boolean;
  /** The attempts, in their order. */
  bars: Bar[];
}

export interface Bar {
  task: Task;
  start: number;
  /** Null while it is under way. */
  end: number | null;
}

const UNDO = "/metadata/compensate";

/** What tells one occurrence of a task from all others. */
export function keyOf(task: Task): string {
  return `${task.reference} ${task.path} ${task.attempt}`;
}

export function rowsOf(tasks: Task[]): Row[] {
  const rows = new Map<string, Row>();
  const order: Row[] = [];
  for (const task of tasks) {
    const start = when(task.startedAt);
    if (start === null) continue;
    const path = task.path.replace(/\+\d+$/, "");
    const id = `${task.reference} ${path}`;
    let row = rows.get(id);
    if (!row) {
      const undoes = task.reference.endsWith(UNDO);
      row = {
        id,
        reference: task.reference,
        name: undoes ? `undo ${nameBefore(task.reference)}` : task.name,
        kind: task.kind,
        participant: task.participant,
        depth: 0,
        round: roundOf(path),
        undoes,
        bars: [],
      };
      rows.set(id, row);
      order.push(row);
    }
    row.bars.push({ task, start, end: when(task.endedAt) });
  }
  return nested(order);
}

function nameBefore(reference: string): string {
  return reference.slice(0, -UNDO.length).split("/").at(-1) ?? "";
}

/** `[3]` → `4`: people count from one. */
function roundOf(path: string): string {
  const rounds = [...path.matchAll(/\[(\d+)\]/g)].map((found) => String(Number(found[1]) + 1));
  const jumps = /~(\d+)/.exec(path);
  if (jumps) rounds.push(`again ${jumps[1]}`);
  return rounds.join(".");
}

/** Rows in the order of their start, each below the innermost that holds it. */
function nested(rows: Row[]): Row[] {
  const children = new Map<Row | null, Row[]>();
  const latest = new Map<string, Row>();
  for (const row of rows) {
    let above: Row | null = null;
    const parts = row.reference.split("/");
    for (let length = parts.length - 1; length > 1 && !above; length -= 1) {
      above = latest.get(parts.slice(0, length).join("/")) ?? null;
    }
    latest.set(row.reference, row);
    const group = children.get(above);
    if (group) group.push(row);
    else children.set(above, [row]);
  }
  const found: Row[] = [];
  const waiting = [...(children.get(null) ?? [])].reverse().map((row) => ({ row, depth: 0 }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    next.row.depth = next.depth;
    found.push(next.row);
    const inner = children.get(next.row) ?? [];
    for (const row of [...inner].reverse()) waiting.push({ row, depth: next.depth + 1 });
  }
  return found;
}

/** From when to when a timeline goes: from the run's start to its end, or to now. */
export function extent(rows: Row[], startedAt: string, endedAt: string | null, now: number) {
  let from = when(startedAt) ?? now;
  let to = when(endedAt) ?? now;
  for (const row of rows) {
    for (const bar of row.bars) {
      from = Math.min(from, bar.start);
      to = Math.max(to, bar.end ?? bar.start);
    }
  }
  return { from, to: Math.max(to, from + 1) };
}

const STEPS = [1, 2, 5];

/** Where lines stand on an axis of some length: at round spans, at most so many. */
export function ticks(length: number, most: number): number[] {
  const rounds = [60_000, 300_000, 600_000, 1_800_000, 3_600_000, 21_600_000, 86_400_000];
  let step = 0;
  for (let ten = 1; !step && ten <= 10_000; ten *= 10) {
    for (const one of STEPS) if (!step && length / (one * ten) <= most) step = one * ten;
  }
  step ||=
    rounds.find((one) => length / one <= most) ??
    Math.ceil(length / most / 86_400_000) * 86_400_000;
  const found: number[] = [];
  for (let at = 0; at <= length; at += step) found.push(at);
  return found;
}
