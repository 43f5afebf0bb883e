// Showing what is marked secret: to those who may see it, for a reason that is written down.
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useSession } from "../app/session";
import { Dialog } from "./Dialog";
import { Icon } from "./Icon";
import { Trouble } from "./Notice";

const LEAST = 3;

export function Reveal<T>({
  ask,
  onShown,
}: {
  ask: (reason: string) => Promise<T>;
  onShown: (shown: T) => void;
}) {
  const session = useSession();
  const [asks, setAsks] = useState(false);
  const [reason, setReason] = useState("");
  const reveal = useMutation({
    mutationFn: () => ask(reason.trim()),
    onSuccess: (shown) => {
      setAsks(false);
      onShown(shown);
    },
  });
  if (!session.reveal) return null;
  return (
    <>
      <button type="button" className="button" onClick={() => setAsks(true)}>
        <Icon name="eye" /> Reveal…
      </button>
      {asks ? (
        <Dialog title="Reveal what is marked secret?" onClose={() => setAsks(false)}>
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault();
              reveal.mutate();
            }}
          >
            <p>It is shown here until you go elsewhere.</p>
            <label className="label">
              Why you have to see it
              <small>It is written down with your name.</small>
              <input
                className="field"
                value={reason}
                required
                minLength={LEAST}
                maxLength={1_000}
                onChange={(event) => setReason(event.target.value)}
              />
            </label>
            {reveal.error ? <Trouble error={reveal.error} /> : null}
            <footer>
              <button type="button" className="button" onClick={() => setAsks(false)}>
                Leave it
              </button>
              <button
                type="submit"
                className="button main"
                disabled={reason.trim().length < LEAST || reveal.isPending}
              >
                Reveal
              </button>
            </footer>
          </form>
        </Dialog>
      ) : null}
    </>
  );
}
