// What this page asks of the server, one function each. Nothing else names an address of the API.
import { ask, path, type Query } from "./http";
import type * as T from "./types";

const versionPath = (name: string, version: string) => {
  const [namespace = "", own = ""] = name.split("/");
  return path`/workflows/${namespace}/${own}/versions/${version}`;
};

export const calls = {
  session: (signal?: AbortSignal) => ask<T.Session>("GET", "/session", signal ? { signal } : {}),
  signIn: (token: string) => ask<T.Session>("POST", "/session", { body: { token } }),
  signOut: () => ask<void>("DELETE", "/session"),

  overview: () => ask<T.Overview>("GET", "/overview"),
  sla: () => ask<T.SlaBoard>("GET", "/sla"),

  runs: (query: Query) => ask<T.Page<T.Run>>("GET", "/runs", { query }),
  run: (id: string) => ask<T.RunDetail>("GET", path`/runs/${id}`),
  tasks: (id: string) => ask<T.Page<T.Task>>("GET", path`/runs/${id}/tasks`),
  runEvents: (id: string) => ask<T.Page<T.RunEvent>>("GET", path`/runs/${id}/events`),
  start: (
    body: { workflow: string; version?: string; control?: T.Control; input: unknown },
    key: string,
  ) => ask<T.Run>("POST", "/runs", { body, key }),
  cancel: (id: string, compensate: boolean) =>
    ask<T.Run>("POST", path`/runs/${id}/cancel`, { body: { compensate } }),
  suspend: (id: string) => ask<T.Run>("POST", path`/runs/${id}/suspend`),
  resume: (id: string) => ask<T.Run>("POST", path`/runs/${id}/resume`),
  retry: (id: string, body: { from?: string; fromStart?: boolean; input?: unknown }) =>
    ask<T.Run>("POST", path`/runs/${id}/retry`, { body }),
  rerun: (run: string, input: unknown, key: string) =>
    ask<T.Run>("POST", "/runs/rerun", { body: { run, input }, key }),

  bulkCount: (body: object) =>
    ask<{ matched: number; more: boolean }>("POST", "/bulk", { query: { dryRun: true }, body }),
  bulkStart: (body: object) => ask<{ id: string }>("POST", "/bulk", { body }),
  bulk: (id: string) => ask<T.Bulk>("GET", path`/bulk/${id}`),
  bulkStop: (id: string) => ask<void>("DELETE", path`/bulk/${id}`),

  workflows: () => ask<T.Page<T.Workflow>>("GET", "/workflows"),
  version: (name: string, version: string) => ask<T.Version>("GET", versionPath(name, version)),
  graph: (name: string, version: string) =>
    ask<T.Graph>("GET", `${versionPath(name, version)}/graph`),
  rules: (name: string, version: string) =>
    ask<T.Rules>("GET", `${versionPath(name, version)}/rules`),

  participants: () => ask<T.Page<T.Participant>>("GET", "/participants"),
  dead: (query: Query) => ask<T.Page<T.DeadLetter>>("GET", "/dead-letters", { query }),
  deadGroups: () => ask<T.DeadGroup[]>("GET", "/dead-letters/groups"),
  redrive: (ids: string[]) =>
    ask<{ done: number }>("POST", "/dead-letters/redrive", { body: { ids } }),
  redriveAs: (id: string, body: unknown) =>
    ask<T.DeadLetter>("POST", path`/dead-letters/${id}/redrive`, { body: { body } }),
  discard: (ids: string[], reason: string) =>
    ask<{ done: number }>("POST", "/dead-letters/discard", { body: { ids, reason } }),

  triggers: () => ask<T.Page<T.Trigger>>("GET", "/triggers"),
  map: (minutes: number) => ask<T.TrafficMap>("GET", "/map", { query: { minutes } }),
  catalogue: () => ask<T.Catalogue>("GET", "/catalogue"),
  settings: () => ask<T.Settings>("GET", "/settings"),
  audit: (query: Query) => ask<T.Page<T.Audit>>("GET", "/audit", { query }),
};
