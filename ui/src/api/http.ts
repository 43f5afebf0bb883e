// The client of the server's API, by the types that its own description gives (`schema.d.ts`).
//
// Owns the CSRF token (from the session; it goes with every change) and turning RFC 9457 problem
// details into `Refusal`. Whether the server can be reached at all is told to `reach`.
import createClient from "openapi-fetch";
import { reach } from "./reach";
import type { components, paths } from "./schema";

export const BASE = "/api/v1";

export type ProblemItem = components["schemas"]["ProblemItem"] & { pointer?: string };

/** The server answered, and said no. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly errors: ProblemItem[];

  constructor(status: number, body: Partial<components["schemas"]["ProblemDetails"]>) {
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

let csrf: string | null = null;

export function setCsrf(token: string | null): void {
  csrf = token;
}

async function fetched(request: Request): Promise<Response> {
  try {
    const answer = await fetch(request);
    reach.answered();
    return answer;
  } catch (error) {
    if (request.signal.aborted) throw error;
    reach.failed();
    throw new Unreachable();
  }
}

export const http = createClient<paths>({ credentials: "same-origin", fetch: fetched });

http.use({
  onRequest({ request }) {
    if (request.method !== "GET" && csrf) request.headers.set("X-CSRF-Token", csrf);
    // Many pages hear of the same change and ask the same: one answer will do for all of them. It
    // is never older than what was told, nor than a change that was asked for by any page.
    if (request.method === "GET") request.headers.set("Cache-Control", "max-age=1");
    return request;
  },
});

/** The data of an answer. Throws Refusal (the server said no) or Unreachable (nobody answered). */
export async function data<T>(
  asked: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
  const { data: found, error, response } = await asked;
  if (response.ok) return found as T;
  const isDetailed = typeof error === "object" && error !== null;
  throw new Refusal(response.status, isDetailed ? error : {});
}

/** The data of a place outside the API, which is open to everybody and in no description. */
export async function open<T>(path: string): Promise<T> {
  const answer = await fetched(new Request(path));
  if (!answer.ok) throw new Refusal(answer.status, {});
  return (await answer.json()) as T;
}
