import { describe, expect, it } from "vitest";
import { count, percent } from "../src/words/numbers";
import { ago, milliseconds, moment, span, when } from "../src/words/time";

describe("spans and moments", () => {
  it("tells a span in its two largest units", () => {
    expect([0, 340, 4_200, 59_999, 192_000, 3_600_000, 187_200_000].map(span)).toEqual([
      "0 ms",
      "340 ms",
      "4.2 s",
      "59 s",
      "3 min 12 s",
      "1 h",
      "2 d 4 h",
    ]);
    expect(span(null)).toBe("–");
  });

  it("tells what was and what will be", () => {
    expect(ago(0, 1_000)).toBe("now");
    expect(ago(0, 12_000)).toBe("12 s ago");
    expect(ago(180_000, 0)).toBe("in 3 min");
  });

  it("leaves the date out where it is today's", () => {
    const at = Date.UTC(2026, 10, 21, 18, 1, 59, 5);
    expect(moment(at, at, "utc")).toBe("18:01:59Z");
    expect(moment(at, at, "utc", true)).toBe("18:01:59.005Z");
    expect(moment(at, 0, "utc")).toBe("2026-11-21 18:01:59Z");
  });

  it("reads durations of the DSL, and knows what is no time", () => {
    expect(milliseconds("PT1M30S")).toBe(90_000);
    expect(milliseconds("P1DT2H")).toBe(93_600_000);
    expect(milliseconds("soon")).toBeNull();
    expect(when("never")).toBeNull();
  });
});

describe("numbers", () => {
  it("shortens what is long, and never rounds up to a hundred percent", () => {
    expect([999, 12_345, 4_600_000].map(count)).toEqual(["999", "12.3k", "4.6M"]);
    expect([1, 0.99999, 0.5, 0].map(percent)).toEqual(["100 %", "99.9 %", "50.0 %", "0 %"]);
  });
});
