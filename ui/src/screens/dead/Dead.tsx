// Dead letters: messages that a participant could not take, by the reason; taken again, mended, or
// discarded. They wait with their participant and hold nothing else up.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { DeadGroup, DeadLetter } from "../../api/types";
import { may, useSession } from "../../app/session";
import { Icon } from "../../parts/Icon";
import { Who } from "../../parts/Mark";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Said } from "../../parts/Said";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { say, sayTrouble } from "../../parts/Toasts";
import { count, plural } from "../../words/numbers";
import { Discard } from "./Discard";
import { LetterPanel } from "./LetterPanel";

const MOST = 500;

const GROUPS: Column<DeadGroup>[] = [
  {
    id: "count",
    title: "Letters",
    number: true,
    by: (one) => one.count,
    cell: (one) => <b>{count(one.count)}</b>,
  },
  {
    id: "who",
    title: "Participant",
    by: (one) => one.participant,
    cell: (one) => <Who name={one.participant} />,
  },
  {
    id: "reason",
    title: "Why",
    by: (one) => one.reason,
    cell: (one) => <Said text={one.reason} />,
  },
  {
    id: "newest",
    title: "Newest",
    by: (one) => one.newestAt,
    cell: (one) => <Time at={one.newestAt} />,
  },
];

const groupOf = (one: { participant: string; reason: string }) =>
  `${one.participant}\n${one.reason}`;

export function Dead() {
  const search = useSearch({ from: "/dead" });
  const navigate = useNavigate({ from: "/dead" });
  const groups = useQuery({
    queryKey: ["dead", "groups"],
    queryFn: calls.deadGroups,
    refetchInterval: 10_000,
  });
  const found = groups.data?.filter(
    (one) => !search.participant || one.participant === search.participant,
  );
  const group = found?.find((one) => groupOf(one) === search.group) ?? found?.[0];
  const letters = useQuery({
    queryKey: ["dead", "letters", group?.participant],
    queryFn: () => calls.dead({ participant: group?.participant, limit: MOST }),
    enabled: group !== undefined,
  });
  const shown = letters.data?.items.filter((one) => one.reason === group?.reason);
  const letter = shown?.find((one) => one.id === search.letter) ?? null;
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <Screen
      title="Dead letters"
      actions={
        search.participant ? (
          <span className="chip">
            participant <b>{search.participant}</b>
            <button
              type="button"
              aria-label="Of all participants"
              onClick={() => void navigate({ search: {}, replace: true })}
            >
              <Icon name="close" />
            </button>
          </span>
        ) : null
      }
    >
      {groups.error && !found ? (
        <Trouble error={groups.error} retry={() => void groups.refetch()} />
      ) : !found ? (
        <Loading />
      ) : found.length === 0 ? (
        <section className="card">
          <Empty icon="check" title="No dead letters" command="batuta dead list">
            A message that a participant cannot take is put aside here with its reason, and the
            participant goes on. The same in a terminal:
          </Empty>
        </section>
      ) : (
        <>
          <section className="card" aria-labelledby="why">
            <header>
              <h2 id="why">By reason</h2>
            </header>
            <Plain
              label="Reasons"
              columns={GROUPS}
              rows={found}
              idOf={groupOf}
              current={group ? groupOf(group) : null}
              onOpen={(one) =>
                void navigate({
                  search: ({ letter: _, ...rest }) => ({ ...rest, group: groupOf(one) }),
                  replace: true,
                })
              }
            />
          </section>
          <div className={letter ? "split" : "whole"}>
            <section className="card view" aria-label="Letters">
              {letters.error ? <Trouble error={letters.error} /> : null}
              {shown && group ? (
                <Letters
                  of={shown}
                  group={group}
                  chosen={letter?.id ?? null}
                  onChoose={(id) => set({ letter: id })}
                />
              ) : (
                <Loading />
              )}
            </section>
            {letter ? (
              <LetterPanel
                key={letter.id}
                of={letter}
                onClose={() =>
                  void navigate({ search: ({ letter: _, ...rest }) => rest, replace: true })
                }
              />
            ) : null}
          </div>
        </>
      )}
    </Screen>
  );
}

function Letters({
  of,
  group,
  chosen,
  onChoose,
}: {
  of: DeadLetter[];
  group: DeadGroup;
  chosen: string | null;
  onChoose: (id: string) => void;
}) {
  const session = useSession();
  const client = useQueryClient();
  const [discarding, setDiscarding] = useState(false);
  const ids = of.map((one) => one.id);
  const redrive = useMutation({
    mutationFn: () => calls.redrive(ids),
    onSuccess: async ({ done }) => {
      say(`${plural(done, "letter")} will be taken again.`);
      await client.invalidateQueries({ queryKey: ["dead"] });
    },
    onError: sayTrouble,
  });
  const columns: Column<DeadLetter>[] = [
    {
      id: "id",
      title: "Letter",
      by: (one) => one.id,
      cell: (one) => (
        <button type="button" className="link mono" onClick={() => onChoose(one.id)}>
          {one.id}
        </button>
      ),
    },
    {
      id: "type",
      title: "Type",
      by: (one) => one.type,
      cell: (one) => <code>{one.type || "no event"}</code>,
    },
    {
      id: "run",
      title: "Run",
      cell: (one) =>
        one.run ? (
          <Link to="/runs/$run" params={{ run: one.run }} className="mono">
            {one.run}
          </Link>
        ) : (
          <span className="faint">–</span>
        ),
    },
    {
      id: "attempts",
      title: "Attempts",
      number: true,
      by: (one) => one.attempts,
      cell: (one) => one.attempts,
    },
    { id: "at", title: "Put aside", by: (one) => one.at, cell: (one) => <Time at={one.at} /> },
  ];
  return (
    <>
      <header>
        <h2>
          {plural(of.length, "letter")} of {group.participant}
        </h2>
        {of.length < group.count ? <span className="quiet">of {count(group.count)}</span> : null}
        {may(session, "operator") ? (
          <span className="row push">
            <button
              type="button"
              className="button"
              disabled={!ids.length || redrive.isPending}
              onClick={() => redrive.mutate()}
            >
              <Icon name="retry" /> Redrive {ids.length > 1 ? "all" : ""}
            </button>
            <button
              type="button"
              className="button"
              disabled={!ids.length}
              onClick={() => setDiscarding(true)}
            >
              <Icon name="stop" /> Discard {ids.length > 1 ? "all" : ""}…
            </button>
          </span>
        ) : null}
      </header>
      <Plain
        label="Letters"
        columns={columns}
        rows={of}
        idOf={(one) => one.id}
        current={chosen}
        onOpen={(one) => onChoose(one.id)}
      />
      {discarding ? <Discard ids={ids} onClose={() => setDiscarding(false)} /> : null}
    </>
  );
}
