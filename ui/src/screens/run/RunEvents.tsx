// The events that went into a run, came out of it, or handed it over, in their order.
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { RunDetail, RunEvent } from "../../api/types";
import { Icon, type IconName } from "../../parts/Icon";
import { Json } from "../../parts/Json";
import { type Tone, Who } from "../../parts/Mark";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { Time } from "../../parts/Time";

const WAYS: Record<RunEvent["direction"], { tone: Tone; icon: IconName }> = {
  in: { tone: "busy", icon: "down" },
  out: { tone: "rest", icon: "up" },
  handed: { tone: "ok", icon: "right" },
};

export function RunEvents({ run }: { run: RunDetail }) {
  const [open, setOpen] = useState<string | null>(null);
  const query = useInfiniteQuery({
    queryKey: ["run", run.id, "events"],
    queryFn: ({ pageParam }) => calls.runEvents(run.id, pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });
  const events = query.data?.pages.flatMap((page) => page.items);
  if (query.error && !events) {
    return (
      <div className="inside">
        <Trouble error={query.error} retry={() => void query.refetch()} />
      </div>
    );
  }
  if (!events) return <Loading />;
  if (!events.length) {
    return (
      <Empty icon="bolt" title="No event has gone in or out">
        {run.control === "orchestrated"
          ? "A conductor calls participants itself; only what the workflow emits or listens for shows here."
          : "It shows here as soon as a participant publishes one."}
      </Empty>
    );
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <div className="scroll" role="region" aria-label="Events of the run" tabIndex={0}>
      <table className="plain events">
        <thead>
          <tr>
            <th scope="col">At</th>
            <th scope="col">Way</th>
            <th scope="col">Type</th>
            <th scope="col">Participant</th>
            <th scope="col">Id</th>
          </tr>
        </thead>
        <tbody>
          {events.map((one) => (
            <Event key={keyOf(one)} of={one} open={open === keyOf(one)} onOpen={setOpen} />
          ))}
        </tbody>
      </table>
      {query.hasNextPage ? (
        <div className="inside">
          <button
            type="button"
            className="button small"
            disabled={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Later ones
          </button>
        </div>
      ) : null}
    </div>
  );
}

function keyOf(one: RunEvent): string {
  return `${one.direction} ${one.task} ${one.at} ${one.event.source} ${one.event.id}`;
}

function Event({
  of,
  open,
  onOpen,
}: {
  of: RunEvent;
  open: boolean;
  onOpen: (key: string | null) => void;
}) {
  const way = WAYS[of.direction];
  return (
    <>
      <tr>
        <td>
          <Time at={of.at} precise />
        </td>
        <td>
          <span className="mark plain" data-tone={way.tone}>
            <Icon name={way.icon} />
            {of.direction}
          </span>
        </td>
        <td>
          <button
            type="button"
            className="link"
            aria-expanded={open}
            onClick={() => onOpen(open ? null : keyOf(of))}
          >
            {of.event.type}
          </button>
        </td>
        <td>
          <Who name={of.participant} />
          {of.to.map((name) => (
            <span key={name}>
              {" to "}
              <Who name={name} />
            </span>
          ))}
        </td>
        <td className="mono faint cut">{of.event.id}</td>
      </tr>
      {open ? (
        <tr className="opened">
          <td colSpan={5}>
            {of.cut === null ? null : (
              <p className="faint">Its data is too large to be shown here: {of.cut} bytes.</p>
            )}
            <Json value={of.event} label="event" />
          </td>
        </tr>
      ) : null}
    </>
  );
}
