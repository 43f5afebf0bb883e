// The events that went into a run and came out of it, in their order.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { RunDetail, RunEvent } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { Json } from "../../parts/Json";
import { Who } from "../../parts/Mark";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { Time } from "../../parts/Time";

export function RunEvents({ run }: { run: RunDetail }) {
  const [open, setOpen] = useState<string | null>(null);
  const events = useQuery({
    queryKey: ["run", run.id, "events"],
    queryFn: () => calls.runEvents(run.id),
  });
  if (events.error) {
    return (
      <div className="inside">
        <Trouble error={events.error} retry={() => void events.refetch()} />
      </div>
    );
  }
  if (!events.data) return <Loading />;
  if (!events.data.items.length) {
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
          {events.data.items.map((one) => (
            <Event key={keyOf(one)} of={one} open={open === keyOf(one)} onOpen={setOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function keyOf(one: RunEvent): string {
  return `${one.direction} ${one.event.source} ${one.event.id}`;
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
  return (
    <>
      <tr>
        <td>
          <Time at={of.at} precise />
        </td>
        <td>
          <span className="mark plain" data-tone={of.direction === "in" ? "busy" : "rest"}>
            <Icon name={of.direction === "in" ? "down" : "up"} />
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
        </td>
        <td className="mono faint cut">{of.event.id}</td>
      </tr>
      {open ? (
        <tr className="opened">
          <td colSpan={5}>
            <Json value={of.event} label="event" />
          </td>
        </tr>
      ) : null}
    </>
  );
}
