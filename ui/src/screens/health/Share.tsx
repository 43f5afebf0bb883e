// A part of a whole, as a bar and a number.
import type { Tone } from "../../parts/Mark";
import { percent } from "../../words/numbers";

export function toneOfShare(share: number): Tone {
  return share >= 0.99 ? "ok" : share >= 0.9 ? "warn" : "bad";
}

export function Share({ of, none }: { of: number | null; none: string }) {
  if (of === null) return <span className="faint">{none}</span>;
  return (
    <span className="row measure" data-tone={toneOfShare(of)}>
      <span className="bar" aria-hidden="true">
        <span style={{ width: `${of * 100}%` }} />
      </span>
      <span className="number">{percent(of)}</span>
    </span>
  );
}
