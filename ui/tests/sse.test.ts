import { describe, expect, it } from "vitest";
import { Parser, patience } from "../src/api/sse";

describe("the stream of changes", () => {
  it("reads messages wherever the text is cut", () => {
    const text =
      'retry: 1000\n\nid: a-1\nevent: run.changed\ndata: {"id":1}\n\n: alive\n\nid: a-2\r\ndata: x\r\ndata: y\r\n\r\n';
    const whole = new Parser().push(text);
    for (let at = 1; at < text.length; at += 1) {
      const parser = new Parser();
      expect([...parser.push(text.slice(0, at)), ...parser.push(text.slice(at))]).toEqual(whole);
    }
    expect(whole).toEqual([
      { id: "a-1", event: "run.changed", data: '{"id":1}' },
      { id: "a-2", event: "message", data: "x\ny" },
    ]);
  });

  it("waits longer after each failure, up to a limit, and never all pages at once", () => {
    expect([0, 1, 2, 10].map((attempt) => patience(attempt, 1))).toEqual([500, 1000, 2000, 10_000]);
    expect(patience(3, 0)).toBe(2_000);
  });
});
