// One dead letter: why it was put aside, what is in it, and the same with other data, taken again.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { DeadLetter } from "../../api/types";
import { may, useSession } from "../../app/session";
import { Code, Diff } from "../../code/lazy";
import { Close } from "../../parts/Close";
import { Icon } from "../../parts/Icon";
import { Json } from "../../parts/Json";
import { Who } from "../../parts/Mark";
import { Notice, Trouble } from "../../parts/Notice";
import { Reveal } from "../../parts/Reveal";
import { Said } from "../../parts/Said";
import { Time } from "../../parts/Time";
import { say } from "../../parts/Toasts";
import { hasRedacted } from "../../words/redacted";
import { Discard } from "./Discard";

export function LetterPanel({ of: seen, onClose }: { of: DeadLetter; onClose: () => void }) {
  const [revealed, setRevealed] = useState<DeadLetter | null>(null);
  const of = revealed?.id === seen.id ? revealed : seen;
  const session = useSession();
  const client = useQueryClient();
  const first = typeof of.event === "string" ? of.event : JSON.stringify(of.event, null, 2);
  const [text, setText] = useState<string | null>(null);
  const [compared, setCompared] = useState(false);
  const [discarding, setDiscarding] = useState(false);
  let wrong = "";
  let body: Record<string, unknown> = {};
  try {
    body = JSON.parse(text ?? first);
    if (text !== null && (typeof body !== "object" || body === null || Array.isArray(body))) {
      wrong = "an event is an object";
    }
  } catch (error) {
    wrong = (error as Error).message;
  }
  const redrive = useMutation({
    mutationFn: async () => {
      if (text === null || text === first) await calls.redrive([of.id]);
      else await calls.redriveAs(of.id, body);
    },
    onSuccess: async () => {
      say("The letter will be taken again.");
      onClose();
      await client.invalidateQueries({ queryKey: ["dead"] });
    },
  });
  return (
    <aside className="card panel" aria-label={`Letter ${of.id}`}>
      <header>
        <h2 className="mono cut">{of.id}</h2>
        <Close label="Close the letter" onClose={onClose} />
      </header>
      <div className="inside stack">
        <Notice tone="bad">
          <b>
            <Said text={of.reason} />
          </b>
          <span className="quiet">
            put aside by {of.participant} <Time at={of.at} />
            {of.attempts > 1 ? ` after ${of.attempts} attempts` : ""}
          </span>
        </Notice>
        <dl className="stack tight">
          <div className="row">
            <dt className="setting">Participant</dt>
            <dd>
              <Who name={of.participant} />
            </dd>
          </div>
          <div className="row">
            <dt className="setting">Run</dt>
            <dd className="cut">
              {of.run ? (
                <Link to="/runs/$run" params={{ run: of.run }} className="mono">
                  {of.run}
                </Link>
              ) : (
                "none"
              )}
            </dd>
          </div>
          <div className="row">
            <dt className="setting">Message</dt>
            <dd className="mono cut" title={of.message}>
              {of.message}
            </dd>
          </div>
        </dl>
        {text === null ? (
          <Json value={of.event} label="event" />
        ) : (
          <>
            <div className="row">
              <h3>The event as it is to be taken</h3>
              <button
                type="button"
                className="button bare small push"
                onClick={() => setCompared(!compared)}
              >
                {compared ? "Edit" : "Show what was changed"}
              </button>
            </div>
            <div className="editor">
              {compared ? (
                <Diff before={first} after={text} language="json" label="What was changed" />
              ) : (
                <Code text={text} language="json" label="Event" onChange={setText} />
              )}
            </div>
            {wrong ? (
              <p role="alert" className="wrong">
                <Icon name="warning" /> This cannot be taken: {wrong}
              </p>
            ) : null}
            <p className="quiet">Its id, source and type stay.</p>
          </>
        )}
        {redrive.error ? <Trouble error={redrive.error} /> : null}
        {may(session, "operator") ? (
          <div className="row wrap">
            <button
              type="button"
              className="button main"
              disabled={redrive.isPending || (text !== null && wrong !== "")}
              onClick={() => redrive.mutate()}
            >
              <Icon name="retry" />
              {text === null ? "Redrive" : "Redrive as edited"}
            </button>
            {text === null ? (
              <button type="button" className="button" onClick={() => setText(first)}>
                Edit and redrive…
              </button>
            ) : (
              <button type="button" className="button" onClick={() => setText(null)}>
                Leave it as it was
              </button>
            )}
            {text === null && hasRedacted(of) ? (
              <Reveal ask={(reason) => calls.revealDead(of.id, reason)} onShown={setRevealed} />
            ) : null}
            <button type="button" className="button" onClick={() => setDiscarding(true)}>
              Discard…
            </button>
          </div>
        ) : null}
      </div>
      {discarding ? <Discard ids={[of.id]} onClose={() => setDiscarding(false)} /> : null}
    </aside>
  );
}
