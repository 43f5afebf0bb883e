// What this page asks of the server, one function each. Nothing else names an address of the API.
import { data, http, open } from "./http";
import type { paths } from "./schema";
import type * as T from "./types";

export type RunQuery = NonNullable<paths["/api/v1/runs"]["get"]["parameters"]["query"]> & {
  [key: `key.${string}`]: string;
};
type LetterQuery = NonNullable<paths["/api/v1/dead-letters"]["get"]["parameters"]["query"]>;
type BulkBody = paths["/api/v1/bulk"]["post"]["requestBody"]["content"]["application/json"];
type StartBody = paths["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"];
type RetryBody = NonNullable<
  paths["/api/v1/runs/{run_id}/retry"]["post"]["requestBody"]
>["content"]["application/json"];

const ofRun = (run_id: string) => ({ params: { path: { run_id } } });

const ofVersion = (workflow: string, version: string) => {
  const [namespace = "", name = ""] = workflow.split("/");
  return { params: { path: { namespace, name, version } } };
};

export const calls = {
  session: () => data<T.Session>(http.GET("/api/v1/session")),
  signIn: (token: string) => data<T.Session>(http.POST("/api/v1/session", { body: { token } })),
  ways: () => open<{ login: string | null }>("/auth/ways"),
  signOut: () => data(http.DELETE("/api/v1/session")),

  overview: () => data<T.Overview>(http.GET("/api/v1/overview")),
  sla: () => data<T.SlaBoard>(http.GET("/api/v1/sla")),

  runs: (query: RunQuery) => data<T.Page<T.Run>>(http.GET("/api/v1/runs", { params: { query } })),
  run: (id: string) => data<T.RunDetail>(http.GET("/api/v1/runs/{run_id}", ofRun(id))),
  input: (id: string) => data(http.GET("/api/v1/runs/{run_id}/input", ofRun(id))),
  tasks: (id: string) => data<T.Page<T.Task>>(http.GET("/api/v1/runs/{run_id}/tasks", ofRun(id))),
  runEvents: (id: string, after: string | null) =>
    data<T.Page<T.RunEvent>>(
      http.GET("/api/v1/runs/{run_id}/events", {
        params: { path: { run_id: id }, query: after === null ? {} : { after } },
      }),
    ),
  start: (body: StartBody, key: string) =>
    data<T.Run>(
      http.POST("/api/v1/runs", { body, params: { header: { "Idempotency-Key": key } } }),
    ),
  reveal: (id: string, reason: string) =>
    data<T.Revealed>(http.POST("/api/v1/runs/{run_id}/reveal", { ...ofRun(id), body: { reason } })),
  cancel: (id: string, compensate: boolean) =>
    data<T.Run>(http.POST("/api/v1/runs/{run_id}/cancel", { ...ofRun(id), body: { compensate } })),
  suspend: (id: string) => data<T.Run>(http.POST("/api/v1/runs/{run_id}/suspend", ofRun(id))),
  resume: (id: string) => data<T.Run>(http.POST("/api/v1/runs/{run_id}/resume", ofRun(id))),
  retry: (id: string, body: RetryBody) =>
    data<T.Run>(http.POST("/api/v1/runs/{run_id}/retry", { ...ofRun(id), body })),
  rerun: (run: string, input: unknown) =>
    data<T.Run>(http.POST("/api/v1/runs/rerun", { body: { run, input } })),

  bulkCount: (body: BulkBody) =>
    data(http.POST("/api/v1/bulk", { body, params: { query: { dryRun: true } } })) as Promise<{
      matched: number;
      more: boolean;
    }>,
  bulkStart: (body: BulkBody) => data(http.POST("/api/v1/bulk", { body })) as Promise<T.Bulk>,
  bulk: (id: string) =>
    data<T.Bulk>(http.GET("/api/v1/bulk/{bulk_id}", { params: { path: { bulk_id: id } } })),
  bulkStop: (id: string) =>
    data<T.Bulk>(http.DELETE("/api/v1/bulk/{bulk_id}", { params: { path: { bulk_id: id } } })),

  workflows: () => data<T.Page<T.Workflow>>(http.GET("/api/v1/workflows")),
  version: (name: string, version: string) =>
    data<T.Version>(
      http.GET("/api/v1/workflows/{namespace}/{name}/versions/{version}", ofVersion(name, version)),
    ),
  graph: (name: string, version: string) =>
    data<T.Graph>(
      http.GET(
        "/api/v1/workflows/{namespace}/{name}/versions/{version}/graph",
        ofVersion(name, version),
      ),
    ),
  rules: (name: string, version: string) =>
    data<T.Rules>(
      http.GET(
        "/api/v1/workflows/{namespace}/{name}/versions/{version}/rules",
        ofVersion(name, version),
      ),
    ),

  participants: () => data<T.Page<T.Participant>>(http.GET("/api/v1/participants")),
  dead: (query: LetterQuery) =>
    data<T.Page<T.DeadLetter>>(http.GET("/api/v1/dead-letters", { params: { query } })),
  deadGroups: () => data<T.DeadGroup[]>(http.GET("/api/v1/dead-letters/groups")),
  redrive: (ids: string[]) => data(http.POST("/api/v1/dead-letters/redrive", { body: { ids } })),
  redriveAs: (id: string, body: Record<string, unknown>) =>
    data<T.DeadLetter>(
      http.POST("/api/v1/dead-letters/{letter}/redrive", {
        params: { path: { letter: id } },
        body: { body },
      }),
    ),
  revealDead: (id: string, reason: string) =>
    data<T.DeadLetter>(
      http.POST("/api/v1/dead-letters/{letter}/reveal", {
        params: { path: { letter: id } },
        body: { reason },
      }),
    ),
  discard: (ids: string[], reason: string) =>
    data(http.POST("/api/v1/dead-letters/discard", { body: { ids, reason } })),

  triggers: () => data<T.Page<T.Trigger>>(http.GET("/api/v1/triggers")),
  map: (minutes: number) =>
    data<T.TrafficMap>(http.GET("/api/v1/map", { params: { query: { minutes } } })),
  catalogue: () => data<T.Catalogue>(http.GET("/api/v1/catalogue")),
  settings: () => data<T.Settings>(http.GET("/api/v1/settings")),
  audit: (after: number | null, limit: number) =>
    data<T.Page<T.Audit>>(http.GET("/api/v1/audit", { params: { query: { after, limit } } })),
};
