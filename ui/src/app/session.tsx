// Who is at the page: the session behind the cookie, made from the token of the printed address.
//
// The token stands in the fragment (`#token=...`), which browsers never send; it is exchanged for a
// cookie that scripts cannot read, and taken out of the address before anything else is shown.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import { calls } from "../api/calls";
import { Refusal, setCsrf, Unreachable } from "../api/http";
import type { Role, Session } from "../api/types";
import { Loading } from "../parts/Notice";
import { SignIn } from "./SignIn";

const Known = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(Known);
  if (!session) throw new Error("there is no session here");
  return session;
}

const RANKS: Role[] = ["viewer", "operator", "deployer", "admin"];

export function may(session: Session, role: Role): boolean {
  return RANKS.indexOf(session.role) >= RANKS.indexOf(role);
}

/** Take the token out of the address; null when there is none. */
export function takeToken(): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) history.replaceState(history.state, "", location.pathname + location.search);
  return token;
}

let brought = takeToken();

async function open(): Promise<Session> {
  if (brought) {
    const token = brought;
    brought = null;
    try {
      await calls.signIn(token);
    } catch (error) {
      if (error instanceof Unreachable) brought = token;
      throw error;
    }
  }
  const session = await calls.session();
  setCsrf(session.csrf);
  return session;
}

export function SessionGate({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [tried, setTried] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: ["session"],
    queryFn: open,
    staleTime: Number.POSITIVE_INFINITY,
    retry: (_, failure) => failure instanceof Unreachable,
    retryDelay: (attempt) => Math.min(5_000, 500 * 2 ** attempt),
  });
  useEffect(
    () =>
      // Signed out elsewhere, or the server has other keys: any 401 leads back to signing in.
      client.getQueryCache().subscribe(({ query }) => {
        const failure = query.state.error;
        if (
          failure instanceof Refusal &&
          failure.status === 401 &&
          query.queryKey[0] !== "session"
        ) {
          void client.invalidateQueries({ queryKey: ["session"] });
        }
      }),
    [client],
  );
  if (error instanceof Refusal) {
    return (
      <SignIn
        refused={error}
        tried={tried}
        onToken={async (token) => {
          brought = token;
          setTried(true);
          await refetch();
        }}
      />
    );
  }
  if (!data) return <Loading rows={3} />;
  return <Known value={data}>{children}</Known>;
}
