// A JSON value as a tree that folds. Stars that stand for a secret are said to be that.
import { useState } from "react";
import { Icon } from "./Icon";
import { Copy } from "./Notice";
import "./json.css";

const OPEN_DEPTH = 2;
const MOST_ITEMS = 200;
const LONG_TEXT = 400;

export function Json({ value, label }: { value: unknown; label: string }) {
  if (value === undefined) return <p className="faint">none</p>;
  return (
    <div className="json" role="group" aria-label={label}>
      <Copy text={JSON.stringify(value, null, 2)} what={label} />
      <Node value={value} depth={0} />
    </div>
  );
}

/** Whether a text stands for one that may not be shown. */
export function isMasked(text: string): boolean {
  return /^(\*{3,}|•{3,}|\[redacted\])$/i.test(text);
}

function Node({ name, value, depth }: { name?: string; value: unknown; depth: number }) {
  const [open, setOpen] = useState(depth < OPEN_DEPTH);
  const [most, setMost] = useState(MOST_ITEMS);
  const key = name === undefined ? null : <span className="json-key">{name}: </span>;
  if (typeof value !== "object" || value === null) {
    return (
      <div className="json-line">
        {key}
        <Leaf value={value as string | number | boolean | null} />
      </div>
    );
  }
  const isList = Array.isArray(value);
  const entries: [string, unknown][] = isList
    ? value.map((one, at) => [String(at), one])
    : Object.entries(value);
  const brackets = isList ? ["[", "]"] : ["{", "}"];
  if (!entries.length) {
    return (
      <div className="json-line">
        {key}
        {brackets.join("")}
      </div>
    );
  }
  return (
    <div>
      <button
        type="button"
        className="json-fold"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name={open ? "down" : "right"} />
        {key}
        {brackets[0]}
        {open ? "" : ` ${entries.length} ${brackets[1]}`}
      </button>
      {open ? (
        <div className="json-inside">
          {entries.slice(0, most).map(([inner, one]) => (
            <Node key={inner} name={inner} value={one} depth={depth + 1} />
          ))}
          {entries.length > most ? (
            <button type="button" className="button bare small" onClick={() => setMost(most * 5)}>
              {entries.length - most} more
            </button>
          ) : null}
        </div>
      ) : null}
      {open ? <div className="json-line">{brackets[1]}</div> : null}
    </div>
  );
}

function Leaf({ value }: { value: string | number | boolean | null }) {
  const [whole, setWhole] = useState(false);
  if (typeof value !== "string") return <span className="json-plain">{String(value)}</span>;
  if (isMasked(value)) {
    return (
      <span className="chip" title="Marked secret; it is not sent to this page">
        <Icon name="eye" /> redacted
      </span>
    );
  }
  if (value.length > LONG_TEXT && !whole) {
    return (
      <>
        <span className="json-text">"{value.slice(0, LONG_TEXT)}…</span>{" "}
        <button type="button" className="button bare small" onClick={() => setWhole(true)}>
          all {value.length} characters
        </button>
      </>
    );
  }
  return <span className="json-text">{JSON.stringify(value)}</span>;
}
