import { describe, expect, it } from "vitest";
import type { MapEdge, MapNode } from "../src/api/types";
import { HEIGHT, moodOf, rate, spots, ties, WIDTH, wayBetween } from "../src/screens/map/traffic";

const edge = (from: string, to: string, more: Partial<MapEdge> = {}): MapEdge => ({
  from,
  to,
  type: "com.x",
  count: 1,
  perMinute: 1,
  errors: 0,
  lastAt: null,
  declared: true,
  seen: true,
  ...more,
});
const nodes = ["a", "b", "c", "d", "e"].map(
  (name): MapNode => ({ name, kind: "participant", up: true, lag: 0 }),
);

describe("the live map", () => {
  it("tells the worst of what goes between two", () => {
    expect(moodOf([edge("a", "b"), edge("a", "b", { errors: 1 })])).toBe("failing");
    expect(moodOf([edge("a", "b", { declared: false })])).toBe("undeclared");
    expect(moodOf([edge("a", "b", { seen: false, perMinute: 0 })])).toBe("silent");
    expect(moodOf([edge("a", "b", { perMinute: 0 })])).toBe("quiet");
  });

  it("has one arrow for each pair and direction", () => {
    const all = ties({
      nodes,
      edges: [
        edge("a", "b"),
        edge("a", "b", { type: "com.y", perMinute: 3 }),
        edge("b", "a"),
        edge("c", "c"),
      ],
    });
    expect(all.map((tie) => [tie.id, tie.perMinute])).toEqual([
      ["a → b", 4],
      ["b → a", 1],
    ]);
  });

  it("puts nobody over anybody else, and the conductor in the middle", () => {
    const conductor: MapNode = { name: "conductor", kind: "conductor", up: true, lag: 0 };
    for (const many of [2, 5, 12, 30]) {
      const ring = Array.from({ length: many }, (_, at) => ({
        ...conductor,
        name: `p${at}`,
        kind: "participant" as const,
      }));
      const placed = spots([conductor, ...ring], []);
      for (const one of placed) {
        for (const other of placed) {
          if (one === other) continue;
          const apart = Math.abs(one.x - other.x) >= WIDTH || Math.abs(one.y - other.y) >= HEIGHT;
          expect(apart, `${one.node.name} and ${other.node.name} of ${many}`).toBe(true);
        }
      }
      expect(placed[0]).toMatchObject({ x: 0, y: 0 });
    }
  });

  it("leaves a box and comes to a box at their frames", () => {
    const [a, b] = spots(nodes.slice(0, 2), []);
    if (!a || !b) throw new Error("two places");
    const [, startX = 0, startY = 0] =
      /M (-?\d+) (-?\d+)/.exec(wayBetween(a, b).path)?.map(Number) ?? [];
    expect(Math.abs(startX - a.x) > WIDTH / 2 || Math.abs(startY - a.y) > HEIGHT / 2).toBe(true);
  });

  it("says rates as people do", () => {
    expect([0, 0.2, 12.4, 600].map(rate)).toEqual(["silent", "0.2/min", "12/min", "10/s"]);
  });
});
