import { describe, expect, it } from "vitest";
import type { Graph, Rules } from "../src/api/types";
import { picture } from "../src/graph/layout";
import { choreography } from "../src/lanes/choreography";
import { orchestration } from "../src/lanes/orchestration";

const rule = (on: string[], then: string[], name = "") => ({
  on,
  when: null,
  tasks: name ? [{ reference: `/do/0/${name}`, name, kind: "call" }] : [],
  then,
  joins: null,
  undoes: null,
});

const RULES: Rules = {
  begins: "desk",
  participants: [
    {
      name: "desk",
      external: false,
      hears: null,
      rules: [
        rule(["batuta.shop.order.start"], ["batuta.shop.order.start", "batuta.shop.order.ended"]),
      ],
    },
    {
      name: "bank",
      external: false,
      hears: null,
      rules: [
        rule(
          ["batuta.shop.order.start"],
          ["com.charged", "batuta.shop.order.charge.faulted"],
          "charge",
        ),
        rule(["com.told"], ["batuta.shop.order.ended"], "close"),
        { ...rule(["batuta.shop.order.tell.faulted"], [], "undo"), undoes: "/do/0/charge" },
      ],
    },
    {
      name: "post",
      external: true,
      hears: null,
      rules: [rule(["com.charged"], ["com.told", "batuta.shop.order.tell.faulted"], "tell")],
    },
  ],
  flow: [],
};

describe("a workflow as choreography", () => {
  it("has a card for each rule, below those whose events it acts upon", () => {
    const { cards, arrows } = choreography(RULES, "shop/order", false);
    expect(cards.map((card) => [card.participant, card.row])).toEqual([
      ["desk", 0],
      ["bank", 1],
      ["bank", 3],
      ["post", 2],
    ]);
    expect(arrows.map((arrow) => arrow.label)).toEqual(["start", "com.charged", "com.told"]);
  });

  it("shows what happens on failures when asked to", () => {
    const { cards, arrows } = choreography(RULES, "shop/order", true);
    expect(cards.filter((card) => card.failing).map((card) => card.rule.tasks[0]?.name)).toEqual([
      "undo",
    ]);
    expect(arrows.filter((arrow) => arrow.kind === "failure").map((arrow) => arrow.label)).toEqual([
      "tell.faulted",
    ]);
  });
});

const node = (
  id: string,
  kind: string,
  participant: string | null,
  parent: string | null = null,
) => ({
  id,
  name: id.split("/").at(-1) ?? id,
  kind,
  participant,
  parent,
  line: null,
  summary: "",
});

const GRAPH: Graph = {
  nodes: [
    node("start", "start", null),
    node("/do/0/both", "fork", null),
    node("/do/0/both/fork/branches/0/a", "call", "bank", "/do/0/both"),
    node(
      "/do/0/both/fork/branches/0/a/metadata/compensate",
      "call",
      "bank",
      "/do/0/both/fork/branches/0/a",
    ),
    node("/do/0/both/fork/branches/1/b", "call", "post", "/do/0/both"),
    node("end", "end", null),
  ],
  edges: [
    { from: "start", to: "/do/0/both", label: "", kind: "next" },
    { from: "/do/0/both", to: "/do/0/both/fork/branches/0/a", label: "", kind: "branch" },
    { from: "/do/0/both", to: "/do/0/both/fork/branches/1/b", label: "", kind: "branch" },
    { from: "/do/0/both", to: "end", label: "", kind: "next" },
  ],
};

it("has the conductor take every step, and ask the owner of each task that acts", () => {
  const { lanes, cards, arrows } = orchestration(GRAPH, ["post", "bank", "idle"]);
  expect(lanes.map((lane) => lane.id)).toEqual(["conductor", "post", "bank"]);
  expect(cards.filter((card) => card.lane === "conductor").map((card) => card.depth)).toEqual([
    0, 1, 1,
  ]);
  expect(arrows.filter((arrow) => arrow.kind === "ask")).toHaveLength(2);
});

it("draws what is inside of a task inside of its box, and no boxes over each other", () => {
  const { placed, edges } = picture(GRAPH);
  const of = (name: string) => placed.find((one) => one.node.name === name);
  const [box, a, b] = [of("both"), of("a"), of("b")];
  if (!box || !a || !b) throw new Error("something is not drawn");
  for (const inner of [a, b]) {
    expect(inner.x).toBeGreaterThanOrEqual(0);
    expect(inner.x + inner.width).toBeLessThanOrEqual(box.width);
    expect(inner.y + inner.height).toBeLessThanOrEqual(box.height);
  }
  expect(a.x + a.width <= b.x || b.x + b.width <= a.x).toBe(true);
  expect(a.undo?.kind).toBe("call");
  expect(edges.every((one) => one.points)).toBe(true);
  expect(placed.map((one) => one.node.name).indexOf("both")).toBeLessThan(
    placed.map((one) => one.node.name).indexOf("a"),
  );
});
