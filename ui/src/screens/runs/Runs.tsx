// The list of runs: found by words and filters that stand in the address, live, and acted upon.
import { keepPreviousData, useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import type { RowSelectionState } from "@tanstack/react-table";
import { useCallback, useEffect, useMemo, useState } from "react";
import { calls } from "../../api/calls";
import type { Page, Run } from "../../api/types";
import { useKeys } from "../../app/keys";
import { prefer, usePreferences } from "../../app/preferences";
import { may, useSession } from "../../app/session";
import { Grid } from "../../parts/Grid";
import { Icon } from "../../parts/Icon";
import { Menu } from "../../parts/Menu";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { Screen } from "../../parts/Screen";
import { plural } from "../../words/numbers";
import { Bulk, type Scope } from "./Bulk";
import { COLUMNS, TITLES, widths } from "./columns";
import { FilterBar } from "./FilterBar";
import { asQuery, type Filter, told } from "./filter";
import { download } from "./table";
import { Views } from "./Views";
import "./runs.css";

const PAGE = 100;
const NONE: Run[] = [];

export function Runs() {
  const filter = useSearch({ from: "/runs" });
  const navigate = useNavigate({ from: "/runs" });
  const session = useSession();
  const { columns: hidden, time } = usePreferences();
  const [live, setLive] = useState(true);
  const [current, setCurrent] = useState(-1);
  const [selection, setSelection] = useState<RowSelectionState>({});
  const [scope, setScope] = useState<Scope | null>(null);
  const query = useInfiniteQuery({
    queryKey: live ? ["runs", filter] : ["paused", filter],
    queryFn: ({ pageParam }) =>
      calls.runs({ ...asQuery(filter, Date.now()), limit: PAGE, after: pageParam || null }),
    initialPageParam: "",
    getNextPageParam: (page: Page<Run>) => page.next,
    placeholderData: keepPreviousData,
  });
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? NONE, [query.data]);
  const { hasNextPage, isFetching, fetchNextPage } = query;
  const onNearEnd = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const open = (run: Run) => void navigate({ to: "/runs/$run", params: { run: run.id } });
  const change = (next: Filter) => void navigate({ search: next });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter is another list
  useEffect(() => {
    setCurrent(-1);
    setSelection({});
  }, [JSON.stringify(filter)]);
  const move = (by: number) => setCurrent((at) => Math.max(0, Math.min(rows.length - 1, at + by)));
  useKeys([
    { key: "j", what: "next run", group: "Runs", act: () => move(1) },
    { key: "k", what: "run before", group: "Runs", act: () => move(-1) },
    {
      key: "Enter",
      what: "open the run",
      group: "Runs",
      act: () => {
        const run = rows[current];
        if (run) open(run);
      },
    },
    {
      key: "x",
      what: "choose the run, or not",
      group: "Runs",
      act: () => {
        const run = rows[current];
        if (run) setSelection((chosen) => toggled(chosen, run.id));
      },
    },
    {
      key: "/",
      what: "search",
      group: "Runs",
      act: () => document.getElementById("sought")?.focus(),
    },
    { key: "p", what: "pause the list, or go on", group: "Runs", act: () => setLive(!live) },
  ]);
  const chosen = Object.keys(selection).filter((id) => selection[id]);
  return (
    <Screen
      title="Runs"
      actions={
        <>
          <button
            type="button"
            className="button bare"
            aria-pressed={!live}
            onClick={() => setLive(!live)}
          >
            <Icon name={live ? "pause" : "play"} />
            {live ? "Pause" : "Go on"}
          </button>
          <Menu label="Columns" icon="columns" bare>
            {() =>
              Object.entries(TITLES).map(([id, title]) => (
                <label key={id}>
                  <input
                    type="checkbox"
                    checked={hidden[id] !== false}
                    onChange={(event) =>
                      prefer({ columns: { ...hidden, [id]: event.target.checked } })
                    }
                  />
                  {title}
                </label>
              ))
            }
          </Menu>
          <button
            type="button"
            className="button bare"
            disabled={!rows.length}
            onClick={() => download(rows)}
          >
            <Icon name="download" /> CSV
          </button>
        </>
      }
      tabs={<Views filter={filter} onChange={change} />}
    >
      <FilterBar filter={filter} onChange={change} />
      <section className="card runs" aria-label="Runs that were found">
        {chosen.length && may(session, "operator") ? (
          <div className="chosen">
            <b>{plural(chosen.length, "run")} chosen</b>
            <button
              type="button"
              className="button small"
              onClick={() => setScope({ kind: "chosen", ids: chosen })}
            >
              Do with these…
            </button>
            <button
              type="button"
              className="button small"
              onClick={() => setScope({ kind: "matching", filter })}
            >
              Do with all that match…
            </button>
            <button type="button" className="button bare small" onClick={() => setSelection({})}>
              Choose none
            </button>
          </div>
        ) : null}
        {query.error && !query.data ? (
          <div className="inside">
            <Trouble error={query.error} retry={() => void query.refetch()} />
          </div>
        ) : query.isPending ? (
          <Loading />
        ) : rows.length ? (
          <Grid
            label="Runs"
            columns={COLUMNS}
            widths={widths(time)}
            rows={rows}
            idOf={(run) => run.id}
            hidden={hidden}
            selection={selection}
            onSelection={setSelection}
            current={current}
            onCurrent={setCurrent}
            onOpen={open}
            onNearEnd={onNearEnd}
          />
        ) : (
          <Nothing filter={filter} />
        )}
      </section>
      {scope ? (
        <Bulk
          scope={scope}
          onClose={() => {
            setScope(null);
            setSelection({});
          }}
        />
      ) : null}
    </Screen>
  );
}

function toggled(chosen: RowSelectionState, id: string): RowSelectionState {
  const { [id]: was, ...rest } = chosen;
  return was ? rest : { ...rest, [id]: true };
}

function Nothing({ filter }: { filter: Filter }) {
  if (told(filter).length || filter.q) {
    return (
      <Empty icon="search" title="No run fits">
        Take a filter away, or look at a longer time.
      </Empty>
    );
  }
  return (
    <Empty icon="runs" title="There are no runs yet" command="batuta run greeting.yaml">
      Start one from its workflow, or in a terminal:
    </Empty>
  );
}
