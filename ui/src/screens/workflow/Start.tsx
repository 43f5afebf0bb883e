// Starting a run: with which input, under which control model.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { calls } from "../../api/calls";
import type { Control } from "../../api/types";
import { Code } from "../../code/lazy";
import { Choice } from "../../parts/Choice";
import { Dialog } from "../../parts/Dialog";
import { Icon } from "../../parts/Icon";
import { Trouble } from "../../parts/Notice";
import { say } from "../../parts/Toasts";

export function Start({
  workflow,
  version,
  control: given,
  onClose,
}: {
  workflow: string;
  version: string;
  control: Control;
  onClose: () => void;
}) {
  const navigate = useNavigate();
  const key = useRef(crypto.randomUUID());
  const [control, setControl] = useState(given);
  const [text, setText] = useState("{\n  \n}");
  const [shown, setShown] = useState(0);
  const newest = useQuery({
    queryKey: ["newest-input", workflow],
    queryFn: async () => {
      const { items } = await calls.runs({ workflow, limit: 1 });
      const [run] = items;
      return run ? (await calls.input(run.id)).input : null;
    },
    staleTime: 0,
  });
  let wrong = "";
  let input: unknown;
  try {
    input = text.trim() ? JSON.parse(text) : null;
  } catch (error) {
    wrong = (error as Error).message;
  }
  const start = useMutation({
    mutationFn: () => calls.start({ workflow, version, control, input }, key.current),
    onSuccess: async (run) => {
      say(`Began run ${run.id}.`);
      onClose();
      await navigate({ to: "/runs/$run", params: { run: run.id } });
    },
  });
  return (
    <Dialog title={`Start ${workflow} ${version}`} onClose={onClose} wide>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          start.mutate();
        }}
      >
        <Choice
          label="Control model"
          chosen={control}
          onChoose={setControl}
          options={[
            { id: "orchestrated", name: "orchestrated", icon: "baton" },
            { id: "choreographed", name: "choreographed", icon: "dance" },
          ]}
        />
        <div className="stack tight">
          <div className="row">
            <h3>Input</h3>
            {newest.data !== undefined && newest.data !== null ? (
              <button
                type="button"
                className="button bare small push"
                onClick={() => {
                  setText(JSON.stringify(newest.data, null, 2));
                  setShown(shown + 1);
                }}
              >
                <Icon name="copy" /> As the newest run had
              </button>
            ) : null}
          </div>
          <div className="editor">
            <Code key={shown} text={text} language="json" label="Input" onChange={setText} />
          </div>
          {wrong ? (
            <p role="alert" className="wrong">
              <Icon name="warning" /> This is not JSON: {wrong}
            </p>
          ) : null}
        </div>
        {start.error ? <Trouble error={start.error} /> : null}
        <footer>
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" className="button main" disabled={wrong !== "" || start.isPending}>
            <Icon name="play" /> Start
          </button>
        </footer>
      </form>
    </Dialog>
  );
}
