// The frame around every screen: navigation, the state of the connection, palette, key sheet.

import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { calls } from "../api/calls";
import { reach } from "../api/reach";
import { Icon, type IconName } from "../parts/Icon";
import { useNow } from "../parts/Time";
import { Toasts } from "../parts/Toasts";
import { count } from "../words/numbers";
import { ago, moment } from "../words/time";
import { Brand } from "./Brand";
import { KeySheet } from "./KeySheet";
import { type Key, useKeys } from "./keys";
import { useLive } from "./live";
import { nextTheme, nextTime, prefer, usePreferences } from "./preferences";
import { fetchAll } from "./screens";
import { useSession } from "./session";

const palette = () => import("./Palette");
const Palette = lazy(() => palette().then((found) => ({ default: found.Palette })));
/** How long after the frame the palette's code is fetched, so that it opens at once. */
const PALETTE_MS = 1_500;

const PLACES: {
  group: string;
  items: { to: string; name: string; icon: IconName; key: string }[];
}[] = [
  {
    group: "Watch",
    items: [
      { to: "/", name: "Health", icon: "health", key: "g h" },
      { to: "/runs", name: "Runs", icon: "runs", key: "g r" },
      { to: "/map", name: "Live map", icon: "map", key: "g m" },
      { to: "/dead", name: "Dead letters", icon: "dead", key: "g d" },
    ],
  },
  {
    group: "Know",
    items: [
      { to: "/workflows", name: "Workflows", icon: "workflow", key: "g w" },
      { to: "/participants", name: "Participants", icon: "participants", key: "g p" },
      { to: "/triggers", name: "Triggers", icon: "trigger", key: "g t" },
      { to: "/catalogue", name: "Catalogue", icon: "catalogue", key: "g c" },
      { to: "/settings", name: "Settings", icon: "settings", key: "g s" },
    ],
  },
];
export const ALL_PLACES = PLACES.flatMap((one) => one.items);

export function Shell() {
  useLive();
  const session = useSession();
  const navigate = useNavigate();
  const [finding, setFinding] = useState(false);
  const [sheet, setSheet] = useState(false);
  const { theme, time } = usePreferences();
  const keys: Key[] = [
    { key: "?", what: "show these keys", group: "Anywhere", act: () => setSheet(true) },
    {
      key: "T",
      what: "light, dark or as the system",
      group: "Anywhere",
      act: () => prefer({ theme: nextTheme[theme] }),
    },
    {
      key: "U",
      what: "relative, local or UTC times",
      group: "Anywhere",
      act: () => prefer({ time: nextTime[time] }),
    },
    ...ALL_PLACES.map((place) => ({
      key: place.key,
      what: place.name.toLowerCase(),
      group: "Go to",
      act: () => void navigate({ to: place.to }),
    })),
  ];
  useKeys(keys);
  useEffect(fetchAll, []);
  useEffect(() => {
    const timer = setTimeout(() => void palette().catch(() => null), PALETTE_MS);
    return () => clearTimeout(timer);
  }, []);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        setFinding(true);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <div className={session.production ? "shell production" : "shell"}>
      <SkipLink />
      <Side onSeek={() => setFinding(true)} production={session.production} />
      <Away />
      <Main />
      <Toasts />
      {finding ? (
        <Suspense>
          <Palette onClose={() => setFinding(false)} />
        </Suspense>
      ) : null}
      {sheet ? <KeySheet onClose={() => setSheet(false)} /> : null}
    </div>
  );
}

function SkipLink() {
  return (
    <button
      type="button"
      className="skip"
      onClick={() => document.getElementById("screen")?.focus()}
    >
      Skip to the screen
    </button>
  );
}

/** The screen; a new one takes the focus, so that its title is read and keys are its own. */
function Main() {
  const own = useRef<HTMLElement>(null);
  const place = useRouterState({ select: (state) => state.location.pathname });
  const shown = useRef(place);
  useEffect(() => {
    if (shown.current === place) return;
    shown.current = place;
    own.current?.scrollTo(0, 0);
    own.current?.focus({ preventScroll: true });
  }, [place]);
  return (
    <main className="screen" id="screen" ref={own} tabIndex={-1}>
      <Outlet />
    </main>
  );
}

function Side({ onSeek, production }: { onSeek: () => void; production: boolean }) {
  const { data } = useQuery({ queryKey: ["overview"], queryFn: calls.overview });
  const counts: Record<string, number> = { "/dead": data?.dead ?? 0 };
  return (
    <header className="side">
      <Link to="/" aria-label="Batuta: health">
        <Brand />
      </Link>
      <button type="button" className="seek" onClick={onSeek}>
        <Icon name="search" />
        <span>Find and do</span>
        <kbd>Ctrl K</kbd>
      </button>
      <nav aria-label="Screens">
        {PLACES.map((part) => (
          <div key={part.group}>
            <h2>{part.group}</h2>
            <ul>
              {part.items.map((one) => (
                <li key={one.to}>
                  <Link
                    to={one.to}
                    activeOptions={{ exact: one.to === "/", includeSearch: false }}
                    activeProps={{ "aria-current": "page" }}
                    title={one.name}
                  >
                    <Icon name={one.icon} />
                    <span>{one.name}</span>
                    {counts[one.to] ? (
                      <b className="count" title={`${counts[one.to]} need somebody`}>
                        {count(counts[one.to])}
                      </b>
                    ) : null}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </nav>
      <div className="foot">
        {production ? (
          <span className="mark" data-tone="bad">
            production
          </span>
        ) : null}
        <Connection />
      </div>
    </header>
  );
}

function useReach() {
  return useSyncExternalStore(reach.watch, reach.get);
}

function Connection() {
  const { stream, answeredAt, awaySince } = useReach();
  const { time } = usePreferences();
  const now = useNow();
  const state = awaySince !== null ? "away" : stream;
  const asOf = answeredAt ? moment(answeredAt, now, time === "utc" ? "utc" : "local") : "never";
  const words = { live: "Live", joining: "Connecting", away: "No answer" }[state];
  return (
    <div className="pulse" data-state={state} title={`Data as of ${asOf}`}>
      <span className="word">
        {words} · {state === "live" ? "up to date" : `as of ${asOf}`}
      </span>
    </div>
  );
}

/** Says that the server is away, what is still shown, and what happens by itself. */
function Away() {
  const { awaySince, answeredAt } = useReach();
  const { time } = usePreferences();
  const now = useNow();
  const style = time === "utc" ? "utc" : "local";
  return (
    <div aria-live="assertive">
      {awaySince === null ? null : (
        <div className="banner">
          <Icon name="warning" />
          <span>
            The server does not answer since {moment(awaySince, now, style)} ({ago(awaySince, now)}
            ). {answeredAt ? `What is shown is as of ${moment(answeredAt, now, style)}. ` : ""}
            Trying again by itself.
          </span>
        </div>
      )}
    </div>
  );
}
