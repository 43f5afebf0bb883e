// When each task of a run was under way, and whose it was: a Gantt chart whose rows are buttons.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef } from "react";
import type { RunDetail, Task } from "../../api/types";
import { useKeys } from "../../app/keys";
import { useWho } from "../../app/who";
import { Icon } from "../../parts/Icon";
import { Status, toneOf, Who } from "../../parts/Mark";
import { Empty } from "../../parts/Notice";
import { useNow } from "../../parts/Time";
import { span } from "../../words/time";
import { type Bar, extent, keyOf, type Row, rowsOf, ticks } from "./timeline";

/** Kinds of task that are somebody's; the others only say what comes next. */
const ACTING = new Set(["call", "run", "listen", "emit", "wait"]);
const HEIGHT = 30;
const MOST_TICKS = 7;

export function Timeline({
  run,
  tasks,
  chosen,
  onChoose,
}: {
  run: RunDetail;
  tasks: Task[];
  chosen: string | null;
  onChoose: (key: string) => void;
}) {
  const now = useNow();
  const who = useWho();
  const scroll = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => rowsOf(tasks), [tasks]);
  const { from, to } = extent(rows, run.startedAt, run.endedAt, now);
  const lines = ticks(to - from, MOST_TICKS);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => HEIGHT,
    overscan: 12,
    scrollPaddingStart: HEIGHT,
  });
  const at = rows.findIndex((row) => row.bars.some((bar) => keyOf(bar.task) === chosen));
  const move = (by: number) => {
    const row = rows[Math.max(0, Math.min(rows.length - 1, at + by))];
    const last = row?.bars.at(-1);
    if (last) onChoose(keyOf(last.task));
  };
  useKeys([
    { key: "j", what: "next task", group: "Run", act: () => move(1) },
    { key: "k", what: "task before", group: "Run", act: () => move(-1) },
  ]);
  useEffect(() => {
    if (at >= 0) virtual.scrollToIndex(at, { align: "auto" });
  }, [at, virtual]);
  if (!rows.length) {
    return (
      <Empty icon="hourglass" title="No task has begun">
        It shows here as soon as one does.
      </Empty>
    );
  }
  const percent = (moment: number) => ((moment - from) / (to - from)) * 100;
  return (
    <div
      className="gantt"
      ref={scroll}
      role="region"
      aria-label="Timeline of the tasks"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
      tabIndex={0}
    >
      <div className="axis">
        <span className="faint">Task</span>
        <div className="track">
          {lines.map((line) => (
            <span key={line} className="tick-label" style={{ left: `${percent(from + line)}%` }}>
              {line === 0 ? "0" : `+${span(line).replace(".0 s", " s")}`}
            </span>
          ))}
        </div>
      </div>
      <div className="bars" style={{ height: virtual.getTotalSize() }}>
        <div className="track lines" aria-hidden="true">
          {lines.map((line) => (
            <i key={line} style={{ left: `${percent(from + line)}%` }} />
          ))}
        </div>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index];
          if (!row) return null;
          return (
            <div
              className="gantt-row"
              key={row.id}
              data-chosen={item.index === at}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <Name row={row} chosen={item.index === at} onChoose={onChoose} />
              <div className="track">
                {row.bars.map((bar, place) => (
                  <BarButton
                    key={keyOf(bar.task)}
                    bar={bar}
                    of={row.bars.length}
                    place={place}
                    left={percent(bar.start)}
                    width={percent(bar.end ?? to) - percent(bar.start)}
                    who={who(row.participant)}
                    onChoose={onChoose}
                  />
                ))}
                <Length
                  row={row}
                  to={to}
                  left={percent(row.bars[0]?.start ?? from)}
                  right={percent(row.bars.at(-1)?.end ?? to)}
                />
              </div>
            </div>
          );
        })}
      </div>
    </div>
  );
}

function Name({
  row,
  chosen,
  onChoose,
}: {
  row: Row;
  chosen: boolean;
  onChoose: (key: string) => void;
}) {
  const last = row.bars.at(-1);
  return (
    <button
      type="button"
      className="gantt-name"
      aria-pressed={chosen}
      style={{ paddingLeft: 10 + row.depth * 14 }}
      onClick={() => last && onChoose(keyOf(last.task))}
    >
      <Sign status={last?.task.status ?? ""} />
      <span className="cut">
        {row.undoes ? <Icon name="retry" className="inline" /> : null}
        {row.name}
        {row.round ? <span className="faint"> {row.round}</span> : null}
      </span>
      <span className="faint kind">{row.kind}</span>
      {ACTING.has(row.kind) ? <Who name={row.participant} /> : null}
    </button>
  );
}

function Sign({ status }: { status: string }) {
  return (
    <span className="sign" title={status}>
      <Status of={status} plain />
    </span>
  );
}

function BarButton({
  bar,
  of,
  place,
  left,
  width,
  who,
  onChoose,
}: {
  bar: Bar;
  of: number;
  place: number;
  left: number;
  width: number;
  who: number;
  onChoose: (key: string) => void;
}) {
  const { task } = bar;
  const took = bar.end === null ? "under way" : span(bar.end - bar.start);
  const attempt = of > 1 ? `, attempt ${place + 1} of ${of}` : "";
  return (
    <button
      type="button"
      tabIndex={-1}
      className="gantt-bar"
      data-who={who}
      data-holds={!ACTING.has(task.kind)}
      data-tone={toneOf(task.status)}
      data-status={task.status}
      data-rests={task.kind === "wait" || task.kind === "listen"}
      aria-label={`${task.name}: ${task.status}, ${took}${attempt}`}
      title={`${task.name} · ${task.status} · ${took}${attempt}`}
      style={{ left: `${left}%`, width: `max(3px, ${width}%)` }}
      onClick={() => onChoose(keyOf(task))}
    />
  );
}

/** How long it took, behind its bars, or before them where there is no room, or in them. */
function Length({ row, to, left, right }: { row: Row; to: number; left: number; right: number }) {
  const first = row.bars[0];
  const last = row.bars.at(-1);
  if (!first || !last) return null;
  const tries = row.bars.length > 1 ? ` · ${row.bars.length} attempts` : "";
  const place = right < 84 ? "behind" : left > 22 ? "before" : "in";
  const style =
    place === "behind"
      ? { left: `${right}%` }
      : { right: `${100 - (place === "before" ? left : right)}%` };
  return (
    <span className="gantt-length number" style={style} data-place={place}>
      {span((last.end ?? to) - first.start)}
      {tries}
    </span>
  );
}
