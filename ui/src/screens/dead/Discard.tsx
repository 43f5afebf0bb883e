// Forgetting letters, for good and for a reason.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../../api/calls";
import { Dialog } from "../../parts/Dialog";
import { Trouble } from "../../parts/Notice";
import { useSure } from "../../parts/Sure";
import { say } from "../../parts/Toasts";
import { plural } from "../../words/numbers";

export function Discard({ ids, onClose }: { ids: string[]; onClose: () => void }) {
  const client = useQueryClient();
  const [reason, setReason] = useState("");
  const { isSure, question } = useSure();
  const discard = useMutation({
    mutationFn: () => calls.discard(ids, reason.trim()),
    onSuccess: async ({ done }) => {
      say(`${plural(done, "letter")} discarded.`);
      onClose();
      await client.invalidateQueries({ queryKey: ["dead"] });
    },
  });
  return (
    <Dialog title={`Discard ${plural(ids.length, "letter")}?`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          discard.mutate();
        }}
      >
        <p>They are forgotten for good. The runs that they belong to may wait for them.</p>
        <label className="label">
          Why nobody needs them
          <small>It is written down with your name.</small>
          <input
            className="field"
            value={reason}
            required
            maxLength={1_000}
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        {question}
        {discard.error ? <Trouble error={discard.error} /> : null}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Keep them
          </button>
          <button
            type="submit"
            className="button grave"
            disabled={!isSure || !reason.trim() || discard.isPending}
          >
            Discard
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
