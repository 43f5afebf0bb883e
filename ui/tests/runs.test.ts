import { describe, expect, it } from "vitest";
import type { Run } from "../src/api/types";
import {
  asBody,
  asQuery,
  inField,
  isSpan,
  moment,
  readFilter,
  same,
  told,
} from "../src/screens/runs/filter";
import { asCsv } from "../src/screens/runs/table";

describe("the filter of the list of runs", () => {
  it("says to a bulk action what it says to the list", () => {
    expect(asBody({ status: "faulted", stuck: true, keys: ["order=1"], q: "o" }, 0)).toEqual({
      status: ["faulted"],
      stuck: true,
      keys: { order: "1" },
      q: "o",
    });
  });

  it("is read from an address, whatever else is there", () => {
    expect(
      readFilter({
        status: "faulted",
        stuck: "true",
        keys: "order=o-1",
        q: 17,
        odd: [1],
        since: "",
        control: "none",
      }),
    ).toEqual({ status: "faulted", stuck: true, keys: ["order=o-1"], q: "17" });
  });

  it("counts spans back from now, and asks for business keys by name", () => {
    const now = Date.UTC(2026, 10, 21, 12);
    expect(asQuery({ since: "1h", keys: ["order=a=b"] }, now)).toEqual({
      since: "2026-11-21T11:00:00.000Z",
      "key.order": "a=b",
    });
    expect(asQuery({ status: "faulted", since: "2026-11-01T00:00:00Z" }, now)).toEqual({
      status: ["faulted"],
      since: "2026-11-01T00:00:00Z",
    });
  });

  it("tells each part, and what is left without it", () => {
    const parts = told({ q: "x", status: "faulted", keys: ["order=1", "sku=2"] });
    expect(parts.map((part) => `${part.name} ${part.value}`)).toEqual([
      "status faulted",
      "order 1",
      "sku 2",
    ]);
    expect(parts[1]?.without).toEqual({ q: "x", status: "faulted", keys: ["sku=2"] });
  });

  it("is the same in any order", () => {
    expect(same({ status: "faulted", q: "a" }, { q: "a", status: "faulted" })).toBe(true);
    expect(same({ status: "faulted" }, { status: "running" })).toBe(false);
  });
});

it("writes tables that no program calculates with", () => {
  const run = {
    id: "1",
    workflow: "=cmd()",
    version: "1.0.0",
    control: "orchestrated",
    status: "faulted",
    startedAt: "2026-11-21T12:00:00Z",
    endedAt: null,
    error: { type: "t", status: 500, title: 'no "such", thing' },
  } as Run;
  expect(asCsv([run]).split("\r\n")[1]).toBe(
    `1,'=cmd(),1.0.0,orchestrated,faulted,2026-11-21T12:00:00Z,,{},"no ""such"", thing"`,
  );
});

describe("a moment in a field", () => {
  it("comes back as the moment it was, to the minute", () => {
    const at = "2026-11-21T11:07:00.000Z";

    expect(moment(inField(at))).toBe(at);
  });

  it("is none where nothing, or a span, is told", () => {
    expect([moment(undefined), moment("soon"), inField(undefined)]).toEqual([
      undefined,
      undefined,
      "",
    ]);
    expect([isSpan("15m"), isSpan("2026-11-21"), isSpan(undefined)]).toEqual([true, false, false]);
  });
});
