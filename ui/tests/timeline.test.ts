import { describe, expect, it } from "vitest";
import type { Task } from "../src/api/types";
import { statesOf } from "../src/graph/states";
import { extent, rowsOf, ticks } from "../src/screens/run/timeline";

let clock = 0;
const task = (reference: string, path = "", status = "completed", attempt = 1): Task => {
  clock += 10;
  return {
    reference,
    name: reference.split("/").at(-1) ?? "",
    kind: "call",
    participant: "bank",
    status,
    attempt,
    iteration: null,
    startedAt: new Date(clock).toISOString(),
    endedAt: status === "running" ? null : new Date(clock + 5).toISOString(),
    path,
    error: null,
  };
};

describe("the timeline", () => {
  it("has attempts share a row, and what is inside of a task stand below it", () => {
    const rows = rowsOf([
      task("/do/0/try"),
      task("/do/1/other"),
      task("/do/0/try/try/0/card", "", "faulted"),
      task("/do/0/try/try/0/card", "+1", "completed", 2),
      task("/do/2/loop"),
      task("/do/2/loop/for/do/0/x", "[0]"),
      task("/do/2/loop/for/do/0/x", "[1]"),
      task("/do/1/other/metadata/compensate"),
    ]);
    expect(
      rows.map((row) => `${"  ".repeat(row.depth)}${row.name} ${row.round}`.trimEnd()),
    ).toEqual(["try", "  card", "other", "  undo other", "loop", "  x 1", "  x 2"]);
    expect(rows[1]?.bars).toHaveLength(2);
  });

  it("goes from the start of the run to its end, or to now", () => {
    const rows = rowsOf([task("/do/0/a", "", "running")]);
    const start = new Date(0).toISOString();
    expect(extent(rows, start, null, 5_000)).toEqual({ from: 0, to: 5_000 });
    expect(extent(rows, start, new Date(900).toISOString(), 5_000)).toEqual({ from: 0, to: 900 });
  });

  it("puts lines at round spans, and never too many", () => {
    expect(ticks(698, 7)).toEqual([0, 100, 200, 300, 400, 500, 600]);
    expect(ticks(86_400_000, 7).length).toBeLessThanOrEqual(8);
    for (let length = 1; length < 1e9; length *= 3)
      expect(ticks(length, 7).length).toBeLessThanOrEqual(8);
  });
});

it("says of a task that is begun many times how the liveliest stands", () => {
  const states = statesOf([
    task("/do/0/x", "[0]", "running"),
    task("/do/0/x", "[1]", "completed"),
    task("/do/1/y", "", "faulted"),
    task("/do/1/y", "+1", "completed", 2),
  ]);
  expect(states.get("/do/0/x")).toEqual({ status: "running", times: 2, attempts: 1 });
  expect(states.get("/do/1/y")).toEqual({ status: "completed", times: 2, attempts: 2 });
});
