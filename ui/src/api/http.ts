// One way to ask the server: where it is, who is asking, and what its refusals mean.
//
// Owns the CSRF token (from the session; it goes with every change) and turning RFC 9457 problem
// details into `Refusal`. Whether the server can be reached at all is told to `reach`.
import { reach } from "./reach";

export const BASE = "/api/v1";

export interface ProblemItem {
  code: string;
  message: string;
  path?: string;
  pointer?: string;
  hint?: string;
  line?: number | null;
  column?: number | null;
  severity?: "error" | "warning";
  value?: string;
  expected?: string;
}

/** The server answered, and said no. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly errors: ProblemItem[];

  constructor(
    status: number,
    body: { title?: string; detail?: string; code?: string; hint?: string; errors?: ProblemItem[] },
  ) {
    super(body.detail || body.title || `The server answered with status ${status}.`);
    this.name = "Refusal";
    this.status = status;
    this.code = body.code ?? "";
    this.hint = body.hint ?? "";
    this.errors = body.errors ?? [];
  }
}

/** The server did not answer. */
export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
    this.name = "Unreachable";
  }
}

type Value = string | number | boolean | null | undefined;
export type Query = Record<string, Value>;

let csrf: string | null = null;

export function setCsrf(token: string | null): void {
  csrf = token;
}

export function address(path: string, query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") pairs.append(name, String(value));
  }
  const text = pairs.toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

/** The path of something that has a name: each part escaped, slashes of the name kept apart. */
export function path(strings: TemplateStringsArray, ...values: string[]): string {
  return strings.reduce((text, part, at) => {
    const value = values[at];
    return text + part + (value === undefined ? "" : encodeURIComponent(value));
  }, "");
}

/**
 * The server's answer as the given type.
 *
 * Throws Refusal (the server said no) or Unreachable (nobody answered).
 */
export async function ask<T>(
  method: "GET" | "POST" | "DELETE",
  to: string,
  {
    query,
    body,
    signal,
    key,
  }: { query?: Query; body?: unknown; signal?: AbortSignal; key?: string } = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
  if (key) headers["Idempotency-Key"] = key;
  let answer: Response;
  try {
    answer = await fetch(address(to, query), {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "same-origin",
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    reach.failed();
    throw new Unreachable();
  }
  reach.answered();
  const text = await answer.text();
  const value = text ? parsed(text) : undefined;
  if (!answer.ok) throw new Refusal(answer.status, typeof value === "object" && value ? value : {});
  return value as T;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { detail: "The server's answer is not JSON." };
  }
}
