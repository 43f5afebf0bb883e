import { expect, test } from "vitest";
import type { Revealed, RunDetail, Task } from "../src/api/types";
import { runWith, tasksWith } from "../src/screens/run/revealed";
import { hasRedacted } from "../src/words/redacted";

const task = (more: Partial<Task>) =>
  ({ reference: "/do/0/a", path: "", attempt: 1, status: "completed", ...more }) as Task;
const revealed = {
  input: 1,
  output: "secret",
  error: null,
  keys: {},
  tasks: [task({ output: "secret" })],
} as Revealed;

test("what is revealed is laid over the run and its tasks", () => {
  const run = { id: "r", output: "[redacted]" } as RunDetail;

  expect(runWith(run, revealed)).toMatchObject({ id: "r", output: "secret" });
  expect(tasksWith([task({ output: "[redacted]" })], revealed)[0]?.output).toBe("secret");
});

test("a task that has changed since is shown as it is now", () => {
  const now = task({ status: "faulted", output: "[redacted]" });

  expect(tasksWith([now, task({ reference: "/do/1/b" })], revealed)).toEqual([
    now,
    task({ reference: "/do/1/b" }),
  ]);
});

test("nothing is changed before anything is revealed", () => {
  const tasks = [task({})];

  expect(tasksWith(tasks, null)).toBe(tasks);
  expect(runWith({ id: "r" } as RunDetail, null)).toEqual({ id: "r" });
});

test("something redacted is found wherever it stands", () => {
  expect(hasRedacted({ a: ["is [redacted]"] })).toBe(true);
  expect(hasRedacted({ a: [1, null] })).toBe(false);
  expect(hasRedacted(undefined)).toBe(false);
});
