// Shown to who is not signed in: where the token is, and a place to put it.
import { useState } from "react";
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
        <p className="quiet">
          Open the address that <code>batuta up</code> has printed, or paste the token after{" "}
          <code>#token=</code> here.
        </p>
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
        <button type="submit" className="button main" disabled={!token.trim()}>
          Sign in
        </button>
      </form>
    </main>
  );
}
