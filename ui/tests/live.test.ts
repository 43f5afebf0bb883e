import { QueryClient } from "@tanstack/react-query";
import { describe, expect, it } from "vitest";
import type { Run } from "../src/api/types";
import { patchRuns, Refresher } from "../src/app/live";

describe("keeping up", () => {
  it("asks at once, then once more for all that changed meanwhile", () => {
    const asked: string[] = [];
    const timers: (() => void)[] = [];
    const refresher = new Refresher(
      (key) => asked.push(key.join()),
      (act) => timers.push(act),
    );
    for (let at = 0; at < 50; at += 1) refresher.stale(["runs"]);
    expect(asked).toEqual(["runs"]);
    timers.shift()?.();
    expect(asked).toEqual(["runs", "runs"]);
    timers.shift()?.();
    expect(timers).toEqual([]);
  });

  it("puts a changed run into the lists that show it, and into no others", () => {
    const client = new QueryClient();
    const run = (id: string, status: string) => ({ id, status }) as Run;
    const list = (...items: Run[]) => ({ pages: [{ items, next: null }], pageParams: [""] });
    client.setQueryData(["runs", {}], list(run("a", "running"), run("b", "running")));
    client.setQueryData(["runs", { q: "b" }], list(run("b", "running")));
    expect(patchRuns(client, run("a", "completed"))).toBe(true);
    expect(patchRuns(client, run("c", "completed"))).toBe(false);
    const shown = client.getQueryData<ReturnType<typeof list>>(["runs", {}]);
    expect(shown?.pages[0]?.items.map((one) => one.status)).toEqual(["completed", "running"]);
  });
});
