// The shapes of the server's answers, by the names that this page uses for them. They are the
// server's own description of itself: a route that changes there breaks the build here.
import type { components } from "./schema";

type Shapes = components["schemas"];

export type { ProblemItem } from "./http";

export type Control = Run["control"];
export type Status = Run["status"];
export type Role = Session["role"];

export interface Page<T> {
  items: T[];
  next?: string | null;
}

export type Session = Shapes["SessionModel"];
export type Run = Shapes["RunModel"];
/** In a list: with how its promises stand, and whether it conforms. */
export type ListedRun = Shapes["RunItemModel"];
export type Fault = Shapes["Fault"];
export type Revealed = Shapes["RevealedModel"];
export type Task = Shapes["TaskModel"];
export type RunDetail = Shapes["RunDetailModel"];
export type Conformance = Shapes["ConformanceModel"];
export type Verdict = Conformance["verdict"];
/** What is to happen next; without a participant it is the conductor's turn. */
export type Expected = Shapes["ExpectedModel"];
export type Workflow = Shapes["WorkflowModel"];
export type Version = Shapes["VersionModel"];
export type GraphNode = Shapes["NodeModel"];
export type GraphEdge = Shapes["EdgeModel"];
export type EdgeKind = GraphEdge["kind"];
export type Graph = Shapes["GraphModel"];
export type Rule = Shapes["RuleModel"];
export type Rules = Shapes["RulesModel"];
export type Participant = Shapes["ParticipantModel"];
export type DeadLetter = Shapes["LetterModel"];
export type DeadGroup = Shapes["LetterGroup"];
export type Trigger = Shapes["TriggerModel"];
export type MapNode = Shapes["MapNode"];
export type MapEdge = Shapes["MapEdge"];
export type TrafficMap = Shapes["MapModel"];
export type Catalogue = Shapes["CatalogueModel"];
export type Bulk = Shapes["BulkModel"];
export type BulkFilter = Shapes["BulkFilter"];
export type Audit = Shapes["AuditModel"];
export type Settings = Shapes["SettingsModel"];
export type Overview = Shapes["OverviewModel"];
export type OverviewRow = Shapes["WorkflowHealthModel"];
export type SlaBoard = Shapes["SlaBoardModel"];
export type Objective = Shapes["ObjectiveModel"];
export type OpenSla = Shapes["PromiseModel"];
export type RunEvent = Shapes["RunEventModel"];
export type CloudEvent = Shapes["CloudEvent"];
