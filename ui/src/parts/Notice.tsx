// What is said in place of data: nothing there yet, something went wrong, or it is on its way.
import type { ReactNode } from "react";
import { useState } from "react";
import { Refusal } from "../api/http";
import { Icon, type IconName } from "./Icon";
import type { Tone } from "./Mark";
import { Said } from "./Said";

const ICONS: Record<Tone, IconName> = {
  ok: "check",
  busy: "info",
  rest: "info",
  warn: "warning",
  bad: "warning",
  idle: "info",
};

export function Notice({ tone, children }: { tone: Tone; children: ReactNode }) {
  return (
    <div className="notice" data-tone={tone}>
      <Icon name={ICONS[tone]} />
      <div className="stack tight">{children}</div>
    </div>
  );
}

/** An error in words: what, why, and what to do. */
export function Trouble({ error, retry }: { error: unknown; retry?: () => void }) {
  const text = error instanceof Error ? error.message : String(error);
  const refusal = error instanceof Refusal ? error : null;
  return (
    <div role="alert">
      <Notice tone="bad">
        <b>{text}</b>
        {refusal?.hint ? (
          <p className="quiet">
            <Said text={refusal.hint} />
          </p>
        ) : null}
        {refusal?.errors.length ? (
          <ul className="stack tight">
            {refusal.errors.map((one) => (
              <li key={`${one.code}${one.path ?? one.pointer}${one.message}`}>
                <code>{one.pointer ?? one.path ?? ""}</code> {one.message}
                {one.hint ? (
                  <span className="quiet">
                    {" "}
                    <Said text={one.hint} />
                  </span>
                ) : null}
              </li>
            ))}
          </ul>
        ) : null}
        {retry ? (
          <div>
            <button type="button" className="button small" onClick={retry}>
              <Icon name="retry" /> Try again
            </button>
          </div>
        ) : null}
      </Notice>
    </div>
  );
}

export function Empty({
  icon,
  title,
  children,
  command,
}: {
  icon: IconName;
  title: string;
  children?: ReactNode;
  command?: string;
}) {
  return (
    <div className="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children ? <p>{children}</p> : null}
      {command ? <Command text={command} /> : null}
    </div>
  );
}

/** A command to be typed elsewhere, with a button that copies it. */
export function Command({ text }: { text: string }) {
  return (
    <span className="command">
      <code>{text}</code>
      <Copy text={text} what="command" />
    </span>
  );
}

export function Copy({ text, what }: { text: string; what: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    } catch {
      setCopied(false);
    }
  };
  return (
    <button
      type="button"
      className="button bare small"
      aria-label={copied ? `Copied the ${what}` : `Copy the ${what}`}
      title={copied ? "Copied" : `Copy the ${what}`}
      onClick={copy}
    >
      <Icon name={copied ? "check" : "copy"} />
    </button>
  );
}

/** Holds the place of what is being loaded; says so to who cannot see it. */
export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div className="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike and never move
        <span key={at} />
      ))}
    </div>
  );
}
