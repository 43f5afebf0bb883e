// What a list of runs is filtered by, as it stands in the address and as the server is asked.

import type { RunQuery } from "../../api/calls";
import type { BulkFilter, Control, Status } from "../../api/types";

export interface Filter {
  q?: string;
  workflow?: string;
  version?: string;
  control?: Control;
  participant?: string;
  status?: Status;
  stuck?: boolean;
  /** A span before now (`15m`, `24h`, `7d`) or a moment (RFC 3339). */
  since?: string;
  until?: string;
  error?: string;
  /** Business keys: `order=o-17`. */
  keys?: string[];
}

export const STATUSES: readonly Status[] = [
  "running",
  "waiting",
  "suspended",
  "completed",
  "faulted",
  "cancelled",
];
export const CONTROLS: readonly Control[] = ["orchestrated", "choreographed"];
export const SPANS: Record<string, string> = {
  "15m": "last 15 minutes",
  "1h": "last hour",
  "24h": "last 24 hours",
  "7d": "last 7 days",
};
const TEXTS = ["q", "workflow", "version", "participant", "since", "until", "error"] as const;
const TOLD = ["status", "control", ...TEXTS] as const;
const SPAN = /^(\d+)([mhd])$/;
const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The filter of an address; what is no filter is left out. */
export function readFilter(search: Record<string, unknown>): Filter {
  const filter: Filter = {};
  for (const name of TEXTS) {
    const value = search[name];
    if (typeof value === "string" && value) filter[name] = value;
    else if (typeof value === "number") filter[name] = String(value);
  }
  const status = STATUSES.find((one) => one === search.status);
  if (status) filter.status = status;
  const control = CONTROLS.find((one) => one === search.control);
  if (control) filter.control = control;
  if (search.stuck === true || search.stuck === "true") filter.stuck = true;
  const keys = Array.isArray(search.keys) ? search.keys : [search.keys];
  const pairs = keys.filter((one): one is string => typeof one === "string" && /^[^=]+=/.test(one));
  if (pairs.length) filter.keys = pairs;
  return filter;
}

/** What the server is asked; `now` is what spans count back from. */
export function asQuery(filter: Filter, now: number): RunQuery {
  const { keys = [], status, ...rest } = filter;
  const query: RunQuery = { ...rest, ...times(filter, now) };
  if (status) query.status = [status];
  for (const pair of keys) {
    const [name, value] = split(pair);
    query[`key.${name}`] = value;
  }
  return query;
}

/** The same for a body that says which runs an action is meant for. */
export function asBody(filter: Filter, now: number): BulkFilter {
  const { keys = [], status, ...rest } = filter;
  return {
    ...rest,
    ...times(filter, now),
    ...(status ? { status: [status] } : {}),
    ...(keys.length ? { keys: Object.fromEntries(keys.map((pair) => split(pair))) } : {}),
  };
}

function times(filter: Filter, now: number): { since?: string; until?: string } {
  return {
    ...(filter.since ? { since: absolute(filter.since, now) } : {}),
    ...(filter.until ? { until: absolute(filter.until, now) } : {}),
  };
}

function split(pair: string): [string, string] {
  const at = pair.indexOf("=");
  return [pair.slice(0, at), pair.slice(at + 1)];
}

function absolute(text: string, now: number): string {
  const found = SPAN.exec(text);
  if (!found) return text;
  const [, size = "0", unit = "m"] = found;
  return new Date(now - Number(size) * (UNITS[unit] ?? 0)).toISOString();
}

/** Whether a moment is told as a span before now. */
export function isSpan(text: string | undefined): boolean {
  return SPAN.test(text ?? "");
}

/** What a field for a local moment gives, as a moment of the world; none for what is no moment. */
export function moment(text: string | undefined): string | undefined {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
}

/** The same the other way round, to the minute. */
export function inField(text: string | undefined): string {
  const at = Date.parse(text ?? "");
  if (Number.isNaN(at)) return "";
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 16);
}

/** Parts of a filter as words, each with the filter that is left without it. */
export function told(
  filter: Filter,
): { id: string; name: string; value: string; without: Filter }[] {
  const parts: { id: string; name: string; value: string; without: Filter }[] = [];
  for (const name of TOLD) {
    const value = filter[name];
    if (!value || name === "q") continue;
    const { [name]: _, ...without } = filter;
    parts.push({ id: name, name, value: SPANS[value] ?? value, without });
  }
  if (filter.stuck) {
    const { stuck: _, ...without } = filter;
    parts.push({ id: "stuck", name: "stuck", value: "yes", without });
  }
  for (const pair of filter.keys ?? []) {
    const at = pair.indexOf("=");
    const keys = filter.keys?.filter((one) => one !== pair) ?? [];
    const { keys: _, ...rest } = filter;
    parts.push({
      id: pair,
      name: pair.slice(0, at),
      value: pair.slice(at + 1),
      without: keys.length ? { ...rest, keys } : rest,
    });
  }
  return parts;
}

/** Whether two filters are the same, whatever the order of their parts. */
export function same(one: Filter, other: Filter): boolean {
  const plain = (filter: Filter) =>
    JSON.stringify(Object.entries(asQuery(filter, 0)).sort(([a], [b]) => a.localeCompare(b)));
  return plain(one) === plain(other);
}
