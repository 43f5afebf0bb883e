// Marks: a status, a verdict, a control model, a participant. Each has a shape and a word.
import type { Control } from "../api/types";
import { useWho } from "../app/who";
import { Icon, type IconName } from "./Icon";

export type Tone = "ok" | "busy" | "rest" | "warn" | "bad" | "idle";

const STATUSES: Record<string, { tone: Tone; icon: IconName; word?: string }> = {
  running: { tone: "busy", icon: "turn" },
  waiting: { tone: "rest", icon: "hourglass" },
  suspended: { tone: "idle", icon: "pause" },
  completed: { tone: "ok", icon: "check" },
  faulted: { tone: "bad", icon: "cross" },
  cancelled: { tone: "idle", icon: "stop" },
  stuck: { tone: "warn", icon: "stuck" },
  skipped: { tone: "idle", icon: "right" },
  up: { tone: "ok", icon: "check" },
  silent: { tone: "bad", icon: "cross" },
  retried: { tone: "warn", icon: "retry" },
  late: { tone: "warn", icon: "trigger" },
  warned: { tone: "warn", icon: "warning" },
  warning: { tone: "warn", icon: "warning" },
  breached: { tone: "bad", icon: "flag" },
  met: { tone: "ok", icon: "check" },
  open: { tone: "rest", icon: "hourglass" },
  ok: { tone: "ok", icon: "check", word: "conforms" },
  violation: { tone: "bad", icon: "warning" },
  inconclusive: { tone: "idle", icon: "question" },
  parked: { tone: "bad", icon: "dead" },
  redriven: { tone: "ok", icon: "retry" },
  discarded: { tone: "idle", icon: "stop" },
};

export function toneOf(status: string): Tone {
  return STATUSES[status]?.tone ?? "idle";
}

export function Status({ of, plain }: { of: string; plain?: boolean }) {
  const { tone, icon, word } = STATUSES[of] ?? { tone: "idle", icon: "question" as const };
  return (
    <span className={plain ? "mark plain" : "mark"} data-tone={tone}>
      <Icon name={icon} {...(of === "running" ? { className: "turning" } : {})} />
      {word ?? of}
    </span>
  );
}

export function ControlMark({ of }: { of: Control }) {
  return (
    <span className="mark plain" data-tone="idle" title={CONTROL_TOLD[of]}>
      <Icon name={of === "orchestrated" ? "baton" : "dance"} />
      {of}
    </span>
  );
}

export const CONTROL_TOLD: Record<Control, string> = {
  orchestrated: "A conductor directs every step",
  choreographed: "Participants react to events by their own rules",
};

export function Who({ name }: { name: string | null | undefined }) {
  const index = useWho()(name);
  if (!name) return <span className="faint">–</span>;
  return (
    <span className="who" data-who={index}>
      <span className="cut">{name}</span>
    </span>
  );
}
