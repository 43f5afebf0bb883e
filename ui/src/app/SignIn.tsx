// Shown to who is not signed in: where the token is, a place to put it, and the way to log in with a
// team's own provider where the server knows one.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../api/calls";
import type { Refusal } from "../api/http";
import { Notice } from "../parts/Notice";
import { Brand } from "./Brand";

export function SignIn({
  refused,
  tried,
  onToken,
}: {
  refused: Refusal;
  /** Whether it is a token that was refused, and not that there was none. */
  tried: boolean;
  onToken: (token: string) => Promise<void>;
}) {
  const [token, setToken] = useState("");
  const isOpen = refused.status === 401;
  const ways = useQuery({ queryKey: ["session", "ways"], queryFn: calls.ways, staleTime: 60_000 });
  const login = ways.data?.login ?? null;
  return (
    <main className="signin">
      <form
        className="card"
        onSubmit={async (event) => {
          event.preventDefault();
          await onToken(token.trim());
        }}
      >
        <Brand />
        <h1>Sign in</h1>
        {login ? (
          <>
            <a className="button main" href={login}>
              Log in with your organisation
            </a>
            <p className="or quiet">or with a token or an API key</p>
          </>
        ) : (
          <p className="quiet">
            Open the address that <code>batuta up</code> has printed, or paste the token after{" "}
            <code>#token=</code> here.
          </p>
        )}
        {tried || !isOpen ? (
          <Notice tone="bad">
            <b>{refused.message}</b>
            {refused.hint ? <span>{refused.hint}</span> : null}
          </Notice>
        ) : null}
        <label className="label">
          Token
          <input
            className="field"
            type="password"
            autoComplete="current-password"
            value={token}
            onChange={(event) => setToken(event.target.value)}
            required
          />
        </label>
        <button type="submit" className={login ? "button" : "button main"} disabled={!token.trim()}>
          Sign in
        </button>
      </form>
    </main>
  );
}
