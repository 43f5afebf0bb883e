// The live map: participants, and the events that go between them now.
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { createContext, useContext, useMemo, useState } from "react";
import { calls } from "../../api/calls";
import { Asked } from "../../parts/Asked";
import { Choice } from "../../parts/Choice";
import { Close } from "../../parts/Close";
import { Icon } from "../../parts/Icon";
import { Who } from "../../parts/Mark";
import { Empty } from "../../parts/Notice";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { count } from "../../words/numbers";
import { MapPicture } from "./MapPicture";
import { type Mood, moodOf, rate, type Tie, ties } from "./traffic";
import "./map.css";

const SPANS = ["1", "5", "15", "60"] as const;

export function LiveMap() {
  const search = useSearch({ from: "/map" });
  const navigate = useNavigate({ from: "/map" });
  const minutes = SPANS.find((one) => one === search.minutes) ?? "5";
  const asked = useQuery({
    queryKey: ["map", minutes],
    queryFn: () => calls.map(Number(minutes)),
    refetchInterval: 3_000,
  });
  const { data } = asked;
  const [hidden, setHidden] = useState<ReadonlySet<Mood>>(new Set());
  const all = useMemo(() => (data ? ties(data) : []), [data]);
  const ours = useMemo(
    () => new Set(data?.nodes.filter((one) => one.kind === "participant").map((one) => one.name)),
    [data],
  );
  const chosen = all.find((tie) => tie.id === search.edge) ?? null;
  const choose = (id: string | null) =>
    void navigate({
      search: ({ edge: _, ...rest }) => (id ? { ...rest, edge: id } : rest),
      replace: true,
    });
  return (
    <Screen
      title="Live map"
      actions={
        <Choice
          label="Counted over"
          chosen={minutes}
          onChoose={(one) =>
            void navigate({ search: (before) => ({ ...before, minutes: one }), replace: true })
          }
          options={SPANS.map((one) => ({ id: one, name: `${one} min` }))}
        />
      }
    >
      <Asked of={asked}>
        {(map) =>
          map.nodes.length ? (
            <Ours value={ours}>
              <div className="split">
                <section className="card view" aria-label="Map">
                  <Legend hidden={hidden} onChange={setHidden} />
                  <MapPicture
                    map={map}
                    ties={all.filter((tie) => !hidden.has(tie.mood))}
                    chosen={chosen?.id ?? null}
                    onChoose={choose}
                  />
                </section>
                <aside className="card panel" aria-label="Events between participants">
                  {chosen ? (
                    <Chosen of={chosen} onClose={() => choose(null)} />
                  ) : (
                    <Busiest of={all} onChoose={choose} />
                  )}
                </aside>
              </div>
            </Ours>
          ) : (
            <section className="card">
              <Empty icon="map" title="Nobody to be seen yet" command="batuta up .">
                Participants of the workflows that are deployed show here, and every event between
                them.
              </Empty>
            </section>
          )
        }
      </Asked>
    </Screen>
  );
}

const MOODS: Record<Mood, string> = {
  busy: "in use",
  quiet: "in use, not just now",
  silent: "declared, never seen",
  undeclared: "seen, not declared",
  failing: "with errors",
};

/** What arrows mean; each kind can be left out of the picture. */
function Legend({
  hidden,
  onChange,
}: {
  hidden: ReadonlySet<Mood>;
  onChange: (hidden: ReadonlySet<Mood>) => void;
}) {
  return (
    <div className="legend" role="group" aria-label="Which arrows are shown">
      {(Object.keys(MOODS) as Mood[]).map((mood) => (
        <button
          key={mood}
          type="button"
          aria-pressed={!hidden.has(mood)}
          onClick={() => {
            const next = new Set(hidden);
            if (!next.delete(mood)) next.add(mood);
            onChange(next);
          }}
        >
          <svg width="26" height="8" aria-hidden="true">
            <line x1="1" y1="4" x2="25" y2="4" className={`tie ${mood}`} />
          </svg>
          {MOODS[mood]}
        </button>
      ))}
    </div>
  );
}

const Ours = createContext<ReadonlySet<string>>(new Set());

/** A participant in its colour; the conductor and those outside by a sign. */
function Whoever({ name }: { name: string }) {
  if (useContext(Ours).has(name)) return <Who name={name} />;
  return (
    <span className="row whoever">
      <Icon name={name === "conductor" ? "baton" : "out"} />
      {name}
    </span>
  );
}

export function Sign({ mood }: { mood: Mood }) {
  const tone = { busy: "ok", quiet: "idle", silent: "idle", undeclared: "warn", failing: "bad" }[
    mood
  ];
  const icon = {
    busy: "bolt",
    quiet: "pause",
    silent: "question",
    undeclared: "warning",
    failing: "cross",
  } as const;
  return (
    <span className="mark plain" data-tone={tone}>
      <Icon name={icon[mood]} />
      {MOODS[mood]}
    </span>
  );
}

function Busiest({ of, onChoose }: { of: Tie[]; onChoose: (id: string) => void }) {
  const order: Mood[] = ["failing", "undeclared", "busy", "quiet", "silent"];
  const sorted = [...of].sort(
    (a, b) => order.indexOf(a.mood) - order.indexOf(b.mood) || b.perMinute - a.perMinute,
  );
  return (
    <>
      <header>
        <h2>Who tells whom</h2>
      </header>
      <ul className="ties">
        {sorted.map((tie) => (
          <li key={tie.id}>
            <button type="button" onClick={() => onChoose(tie.id)}>
              <span className="row">
                <Whoever name={tie.from} />
                <Icon name="right" />
                <Whoever name={tie.to} />
                <span className="number push">{rate(tie.perMinute)}</span>
              </span>
              <span className="row">
                <Sign mood={tie.mood} />
                <span className="faint push">
                  {tie.edges.length === 1 ? tie.edges[0]?.type : `${tie.edges.length} types`}
                </span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Chosen({ of, onClose }: { of: Tie; onClose: () => void }) {
  return (
    <>
      <header>
        <h2 className="row">
          <Whoever name={of.from} />
          <Icon name="right" />
          <Whoever name={of.to} />
        </h2>
        <Close label="Show all" onClose={onClose} />
      </header>
      <ul className="ties">
        {of.edges.map((edge) => (
          <li key={edge.type} className="inside stack tight">
            <code className="wrap-any">{edge.type}</code>
            <span className="row wrap">
              <Sign mood={moodOf([edge])} />
              <span className="number push">{rate(edge.perMinute)}</span>
            </span>
            <span className="faint">
              {count(edge.count)} counted
              {edge.errors ? `, ${count(edge.errors)} with errors` : ""}
              {edge.lastAt ? (
                <>
                  , last <Time at={edge.lastAt} />
                </>
              ) : null}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
