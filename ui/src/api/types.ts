// The shapes of the server's answers, by the names that this page uses for them.

import type { ProblemItem } from "./http";

export type { ProblemItem };

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Control = "orchestrated" | "choreographed";
export type Status = "running" | "waiting" | "suspended" | "completed" | "faulted" | "cancelled";
export type Role = "viewer" | "operator" | "deployer" | "admin";

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Fault {
  type: string;
  status: number;
  title?: string | null;
  detail?: string | null;
  instance?: string | null;
  [name: string]: unknown;
}

export interface Session {
  user: string;
  role: Role;
  namespaces: string[];
  csrf: string | null;
  production: boolean;
}

export type Verdict = "ok" | "violation" | "late" | "stuck" | "inconclusive";

export interface Finding {
  verdict?: Verdict;
  reference: string;
  path?: string;
  what: string;
  came: string;
  allowed: string;
  at: string | null;
}

export interface Conformance {
  verdict: Verdict;
  findings: Finding[];
}

export interface Run {
  id: string;
  workflow: string;
  version: string;
  control: Control;
  status: Status;
  output?: Json;
  error: Fault | null;
  startedAt: string;
  endedAt: string | null;
  problem?: string | null;
  parent?: string | null;
  rerunOf?: string | null;
  keys?: Record<string, Json>;
  sla?: RunSla[] | RunSla | string | null;
  conformance?: Conformance | Verdict | null;
}

export interface RunSla {
  reference: string | null;
  name?: string;
  state: string;
  dueAt?: string | null;
  within?: number | string | null;
}

/** What is to happen next; without a participant it is the conductor's turn. */
export interface Expected {
  what: "begin" | "finish" | "event" | "time" | "child" | "retry" | "go on" | "resume";
  reference: string;
  path?: string;
  name: string;
  kind?: string;
  participant: string | null;
  since: string;
  due: string | null;
  events?: { type: string | null; correlate: Record<string, Json> }[];
  run?: string | null;
}

export interface RunDetail extends Run {
  input?: Json;
  participants: string[];
  expected: Expected[];
}

export interface Task {
  reference: string;
  name: string;
  kind: string;
  participant: string | null;
  status: string;
  attempt: number;
  iteration: number | null;
  startedAt: string;
  endedAt: string | null;
  path: string;
  input?: Json;
  output?: Json;
  error: Fault | null;
}

export interface CloudEvent {
  specversion: string;
  id: string;
  source: string;
  type: string;
  subject?: string | null;
  time?: string | null;
  data?: Json;
  [name: string]: unknown;
}

export interface RunEvent {
  at: string;
  direction: "in" | "out";
  participant: string | null;
  event: CloudEvent;
}

export interface Workflow {
  name: string;
  versions: string[];
  latest: string;
  control: Control;
  participants: string[];
  title: string;
  summary: string;
  deployedAt: string;
}

export interface Version {
  identity: string;
  source: string;
  control: Control;
  participants: { name: string; title: string; owner: string; external: boolean }[];
  schedule: {
    everyMs: number | null;
    cron: string | null;
    afterMs: number | null;
    on: boolean;
  } | null;
  problems: { orchestrated: ProblemItem[]; choreographed: ProblemItem[] };
  runs: Record<string, number>;
  deployedAt: string;
}

export interface GraphNode {
  id: string;
  name: string;
  kind: string;
  participant: string | null;
  parent: string | null;
  line: number | null;
  summary: string;
}

export type EdgeKind = "next" | "branch" | "case" | "catch" | "loop" | "compensate" | "event";

export interface GraphEdge {
  from: string;
  to: string;
  label: string;
  kind: EdgeKind;
}

export interface Graph {
  nodes: GraphNode[];
  edges: GraphEdge[];
}

export interface Rule {
  on: string[];
  when: string | null;
  tasks: { reference: string; name: string; kind: string }[];
  then: string[];
  joins: string | null;
  undoes: string | null;
}

export interface Rules {
  begins: string;
  participants: { name: string; external: boolean; hears: string[] | null; rules: Rule[] }[];
  flow: { from: string; to: string; type: string }[];
}

export interface OverviewRow {
  workflow: string;
  control: { orchestrated: number; choreographed: number };
  runs: number;
  completed: number;
  faulted: number;
  running: number;
  waiting: number;
  stuck: number;
  successRate: number | null;
  p50Ms: number | null;
  p95Ms: number | null;
  lastEndedAt: string | null;
}

export interface Overview {
  workflows: OverviewRow[];
  dead: number;
  breaches: number;
  participants: { up: number; silent: number };
  asOf: string;
}

export interface Objective {
  workflow: string;
  reference: string | null;
  name: string;
  within: number | string;
  warn: number | string | null;
  met: number;
  warned: number;
  breached: number;
  burn: number | null;
}

export interface OpenSla {
  run: string;
  reference: string | null;
  since: string;
  dueAt: string;
  state: string;
}

export interface SlaBoard {
  items: Objective[];
  open: OpenSla[];
}

export interface Participant {
  name: string;
  title: string;
  owner: string;
  place: "here" | "process" | "external";
  status: "up" | "silent";
  workflows: string[];
  inbox: number;
  outbox: number;
  lag: { messages: number; oldestSeconds: number };
  dead: number;
  lastSeenAt: string | null;
}

export interface DeadLetter {
  id: string;
  participant: string;
  status: "dead" | "late" | "again";
  reason: string;
  at: string;
  type: string;
  run: string | null;
  message: string;
  attempts: number;
  /** The CloudEvent, or the text of what is none. */
  event: Json;
}

export interface DeadGroup {
  reason: string;
  participant: string;
  count: number;
  newestAt: string;
  sample: string;
}

export interface Trigger {
  workflow: string;
  kind: "every" | "cron" | "after" | "on";
  expression: string;
  nextAt: string | null;
  lastAt: string | null;
  lastRun: string | null;
  events: string[];
}

export interface MapNode {
  name: string;
  kind: "participant" | "external" | "conductor" | "world";
  up: boolean;
  lag: number;
}

export interface MapEdge {
  from: string;
  to: string;
  type: string;
  count: number;
  perMinute: number;
  errors: number;
  lastAt: string | null;
  declared: boolean;
  seen: boolean;
}

export interface TrafficMap {
  nodes: MapNode[];
  edges: MapEdge[];
}

export interface Catalogue {
  events: { type: string; producers: string[]; consumers: string[]; schema: Json }[];
  functions: { name: string; version: string; input: Json; output: Json; doc: string }[];
  services: { kind: string; at: string; tasks: string[] }[];
}

export interface Bulk {
  id: string;
  action: string;
  matched: number;
  done: number;
  failed: { run: string; error: string }[];
  state: "running" | "done" | "stopped";
}

export interface Audit {
  number: number;
  at: string;
  who: string;
  by: string;
  action: string;
  target: string;
  detail: Record<string, Json>;
}

export interface Settings {
  settings: Record<string, Json>;
  version: string;
}
