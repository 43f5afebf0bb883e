// The words and filters above the list; each change is a change of the address.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { calls } from "../../api/calls";
import { Icon } from "../../parts/Icon";
import { Menu } from "../../parts/Menu";
import { CONTROLS, type Filter, inField, isSpan, moment, SPANS, STATUSES, told } from "./filter";

const TYPING_MS = 250;

export function FilterBar({
  filter,
  onChange,
}: {
  filter: Filter;
  onChange: (filter: Filter) => void;
}) {
  const parts = told(filter);
  return (
    <div className="filters">
      <Sought filter={filter} onChange={onChange} />
      <Choose
        name="Status"
        value={filter.status}
        options={STATUSES}
        onChange={(status) => onChange(changed(filter, { status }))}
      />
      <Choose
        name="Control model"
        value={filter.control}
        options={CONTROLS}
        onChange={(control) => onChange(changed(filter, { control }))}
      />
      <Choose
        name="Started"
        value={filter.since}
        options={Object.keys(SPANS)}
        words={SPANS}
        onChange={(since) => onChange(changed(filter, { since }))}
      />
      <More filter={filter} onChange={onChange} />
      {parts.length ? (
        <ul className="row wrap parts" aria-label="Filters that are set">
          {parts.map((part) => (
            <li className="chip" key={part.id}>
              {part.name} <b>{part.value}</b>
              <button
                type="button"
                aria-label={`Without ${part.name} ${part.value}`}
                onClick={() => onChange(part.without)}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
          <li>
            <button
              type="button"
              className="button bare small"
              onClick={() => onChange(filter.q ? { q: filter.q } : {})}
            >
              Clear
            </button>
          </li>
        </ul>
      ) : null}
    </div>
  );
}

function changed(filter: Filter, part: { [K in keyof Filter]?: Filter[K] | undefined }): Filter {
  const next = { ...filter, ...part };
  for (const name of Object.keys(next) as (keyof Filter)[]) {
    if (next[name] === undefined || next[name] === "") delete next[name];
  }
  return next as Filter;
}

function Sought({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const [text, setText] = useState(filter.q ?? "");
  /** What was asked for last: an address that comes back late takes nothing from what is typed. */
  const asked = useRef(text);
  const ask = useRef(() => {});
  ask.current = () => {
    asked.current = text;
    onChange(changed(filter, { q: text }));
  };
  useEffect(() => {
    const given = filter.q ?? "";
    if (given === asked.current) return;
    asked.current = given;
    setText(given);
  }, [filter.q]);
  useEffect(() => {
    if (text === asked.current) return;
    const timer = setTimeout(() => ask.current(), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label className="sought">
      <Icon name="search" />
      <span className="unseen">Search runs</span>
      <input
        id="sought"
        type="search"
        className="field"
        placeholder="Run id or business key…"
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          // Leaves what was sought as it is, where browsers would empty the field.
          event.preventDefault();
          event.currentTarget.blur();
        }}
      />
      <kbd>/</kbd>
    </label>
  );
}

function Choose<const T extends string>({
  name,
  value,
  options,
  words = {},
  onChange,
}: {
  name: string;
  value: T | undefined;
  options: readonly T[];
  words?: Record<string, string>;
  onChange: (value: T | undefined) => void;
}) {
  const all = value && !options.includes(value) ? [value, ...options] : options;
  return (
    <select
      className="field"
      aria-label={name}
      value={value ?? ""}
      data-set={value !== undefined}
      onChange={(event) => onChange(all.find((one) => one === event.target.value))}
    >
      <option value="">{name}: any</option>
      {all.map((one) => (
        <option key={one} value={one}>
          {words[one] ?? one}
        </option>
      ))}
    </select>
  );
}

/** Filters that are needed less often, in a sheet. */
function More({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const { data } = useQuery({ queryKey: ["workflows"], queryFn: calls.workflows });
  return (
    <Menu label="More filters" icon="filter" side="left">
      {(close) => (
        <form
          className="more"
          onSubmit={(event) => {
            event.preventDefault();
            const form = new FormData(event.currentTarget);
            const text = (name: string) => String(form.get(name) ?? "").trim() || undefined;
            const keyName = text("keyName");
            const keyValue = text("keyValue");
            const keys =
              keyName && keyValue
                ? [
                    ...(filter.keys ?? []).filter((one) => !one.startsWith(`${keyName}=`)),
                    `${keyName}=${keyValue}`,
                  ]
                : filter.keys;
            onChange(
              changed(filter, {
                workflow: text("workflow"),
                version: text("version"),
                participant: text("participant"),
                error: text("error"),
                since: moment(text("since")) ?? (isSpan(filter.since) ? filter.since : undefined),
                until: moment(text("until")),
                stuck: form.get("stuck") ? true : undefined,
                keys,
              }),
            );
            close();
          }}
        >
          <label className="label">
            Workflow
            <select className="field" name="workflow" defaultValue={filter.workflow ?? ""}>
              <option value="">any</option>
              {data?.items.map((one) => (
                <option key={one.name}>{one.name}</option>
              ))}
            </select>
          </label>
          <label className="label">
            Version
            <input className="field" name="version" defaultValue={filter.version ?? ""} />
          </label>
          <label className="label">
            Participant
            <input
              className="field"
              name="participant"
              defaultValue={filter.participant ?? ""}
              list="participants"
            />
            <datalist id="participants">
              {[...new Set(data?.items.flatMap((one) => one.participants))].map((one) => (
                <option key={one}>{one}</option>
              ))}
            </datalist>
          </label>
          <label className="label">
            Error has
            <input className="field" name="error" defaultValue={filter.error ?? ""} />
          </label>
          <fieldset className="pair">
            <legend>Started between</legend>
            <input
              className="field"
              type="datetime-local"
              name="since"
              aria-label="Started after"
              defaultValue={inField(isSpan(filter.since) ? undefined : filter.since)}
            />
            <input
              className="field"
              type="datetime-local"
              name="until"
              aria-label="Started before"
              defaultValue={inField(filter.until)}
            />
          </fieldset>
          <fieldset className="pair">
            <legend>Business key</legend>
            <input className="field" name="keyName" aria-label="Key" placeholder="order" />
            <input className="field" name="keyValue" aria-label="Value" placeholder="o-17" />
          </fieldset>
          <label className="tick">
            <input type="checkbox" name="stuck" defaultChecked={filter.stuck ?? false} />
            Only what is stuck
          </label>
          <button type="submit" className="button main">
            Set these filters
          </button>
        </form>
      )}
    </Menu>
  );
}
