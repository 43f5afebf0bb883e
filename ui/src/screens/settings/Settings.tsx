// How this browser shows things, who is at it, how the server is set up, and who changed what.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { calls } from "../../api/calls";
import { setCsrf } from "../../api/http";
import type { Audit } from "../../api/types";
import { type Preferences, prefer, usePreferences } from "../../app/preferences";
import { may, useSession } from "../../app/session";
import { Choice } from "../../parts/Choice";
import { Json } from "../../parts/Json";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { sayTrouble } from "../../parts/Toasts";

export function Settings() {
  const session = useSession();
  return (
    <Screen title="Settings">
      <div className="pair-of">
        <Looks />
        <Person />
      </div>
      <Server />
      {may(session, "admin") ? <Changes /> : null}
    </Screen>
  );
}

function Looks() {
  const { theme, time } = usePreferences();
  return (
    <section className="card" aria-labelledby="looks">
      <header>
        <h2 id="looks">This browser</h2>
      </header>
      <div className="inside stack">
        <div className="row wrap">
          <span className="setting">Theme</span>
          <Choice
            label="Theme"
            chosen={theme}
            onChoose={(one: Preferences["theme"]) => prefer({ theme: one })}
            options={[
              { id: "system", name: "System", icon: "screen" },
              { id: "light", name: "Light", icon: "sun" },
              { id: "dark", name: "Dark", icon: "moon" },
            ]}
          />
        </div>
        <div className="row wrap">
          <span className="setting">Times</span>
          <Choice
            label="Times"
            chosen={time}
            onChoose={(one: Preferences["time"]) => prefer({ time: one })}
            options={[
              { id: "relative", name: "Relative" },
              { id: "local", name: "Local" },
              { id: "utc", name: "UTC" },
            ]}
          />
        </div>
        <p className="quiet">
          <kbd>T</kbd> and <kbd>U</kbd> change these anywhere; <kbd>?</kbd> shows all keys.
        </p>
      </div>
    </section>
  );
}

function Person() {
  const session = useSession();
  const client = useQueryClient();
  const leave = useMutation({
    mutationFn: calls.signOut,
    onSuccess: async () => {
      setCsrf(null);
      await client.resetQueries();
    },
    onError: sayTrouble,
  });
  return (
    <section className="card" aria-labelledby="person">
      <header>
        <h2 id="person">Signed in</h2>
        <button
          type="button"
          className="button small push"
          disabled={leave.isPending}
          onClick={() => leave.mutate()}
        >
          Sign out
        </button>
      </header>
      <dl className="inside stack tight">
        <div className="row">
          <dt className="setting">As</dt>
          <dd>
            <b>{session.user}</b>
          </dd>
        </div>
        <div className="row">
          <dt className="setting">Role</dt>
          <dd>{session.role}</dd>
        </div>
        <div className="row">
          <dt className="setting">Namespaces</dt>
          <dd>{session.namespaces.map((one) => (one === "*" ? "all" : one)).join(", ")}</dd>
        </div>
        <div className="row">
          <dt className="setting">Place</dt>
          <dd>{session.production ? "production" : "not production"}</dd>
        </div>
      </dl>
    </section>
  );
}

function Server() {
  const { data, error, refetch } = useQuery({ queryKey: ["settings"], queryFn: calls.settings });
  return (
    <section className="card" aria-labelledby="server">
      <header>
        <h2 id="server">Server</h2>
        {data ? <span className="quiet push">Batuta {data.version}</span> : null}
      </header>
      <div className="inside">
        {error && !data ? (
          <Trouble error={error} retry={() => void refetch()} />
        ) : data ? (
          <Json value={data.settings} label="settings" />
        ) : (
          <Loading rows={4} />
        )}
      </div>
    </section>
  );
}

const COLUMNS: Column<Audit>[] = [
  { id: "at", title: "At", cell: (one) => <Time at={one.at} precise /> },
  {
    id: "who",
    title: "Who",
    cell: (one) => (
      <>
        <b>{one.who}</b> <span className="faint">by {one.by}</span>
      </>
    ),
  },
  { id: "action", title: "Did", cell: (one) => one.action },
  { id: "target", title: "To", cell: (one) => <code>{one.target}</code> },
  {
    id: "detail",
    title: "More",
    cell: (one) =>
      Object.keys(one.detail).length ? (
        <div className="cut faint mono" title={JSON.stringify(one.detail)}>
          {JSON.stringify(one.detail)}
        </div>
      ) : null,
  },
];

function Changes() {
  const query = useInfiniteQuery({
    queryKey: ["audit"],
    queryFn: ({ pageParam }) => calls.audit(pageParam ? Number(pageParam) : null, 50),
    initialPageParam: "",
    getNextPageParam: (page) => page.next,
    staleTime: 0,
  });
  const rows = query.data?.pages.flatMap((page) => page.items);
  return (
    <section className="card" aria-labelledby="audit">
      <header>
        <h2 id="audit">Who changed what</h2>
        {query.hasNextPage ? (
          <button
            type="button"
            className="button small push"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Older ones
          </button>
        ) : null}
      </header>
      {query.error && !rows ? (
        <div className="inside">
          <Trouble error={query.error} retry={() => void query.refetch()} />
        </div>
      ) : !rows ? (
        <Loading />
      ) : rows.length ? (
        <Plain label="Changes" columns={COLUMNS} rows={rows} idOf={(one) => String(one.number)} />
      ) : (
        <Empty icon="flag" title="Nothing was changed yet">
          Every change over the page or the API is written down here, with who asked for it.
        </Empty>
      )}
    </section>
  );
}
