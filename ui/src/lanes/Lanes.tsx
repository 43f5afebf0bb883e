// Lanes with cards and arrows between them; what a card shows is the caller's.
import { type ReactNode, useId } from "react";
import { Icon } from "../parts/Icon";
import { Who } from "../parts/Mark";
import { type Arrow, type Card, GAP, LANE, type Lane, place, way } from "./place";
import "./lanes.css";

export function Lanes<C extends Card>({
  label,
  lanes,
  cards,
  arrows,
  rowGap,
  show,
}: {
  label: string;
  lanes: Lane[];
  cards: C[];
  arrows: Arrow[];
  rowGap: number;
  show: (card: C) => ReactNode;
}) {
  const marker = useId();
  const { spots, width, height } = place(lanes, cards, rowGap);
  const tracks = { gridTemplateColumns: `repeat(${lanes.length}, ${LANE}px)`, gap: GAP, width };
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
    <div className="lanes" role="region" aria-label={label} tabIndex={0}>
      <div className="lane-heads" style={tracks}>
        {lanes.map((lane) => (
          <div key={lane.id} className="lane-head">
            {lane.participant ? (
              <Who name={lane.participant} />
            ) : (
              <span className="row">
                <Icon name="baton" /> conductor
              </span>
            )}
          </div>
        ))}
      </div>
      <div className="lane-ground" style={{ width, height }}>
        <div className="lane-strips" style={{ ...tracks, height }} aria-hidden="true">
          {lanes.map((lane) => (
            <div key={lane.id} />
          ))}
        </div>
        <svg className="arrows" width={width} height={height} aria-hidden="true">
          <defs>
            {(["event", "ask", "answer", "next", "failure"] as const).map((kind) => (
              <marker
                key={kind}
                id={`${marker}${kind}`}
                className={`arrow ${kind}`}
                viewBox="0 0 8 8"
                refX="7"
                refY="4"
                markerWidth="7"
                markerHeight="7"
                orient="auto-start-reverse"
              >
                <path d="M 0.5 0.5 L 7.5 4 L 0.5 7.5 z" />
              </marker>
            ))}
          </defs>
          {arrows.map((arrow) => {
            const from = spots.get(arrow.from);
            const to = spots.get(arrow.to);
            if (!from || !to) return null;
            return (
              <path
                key={arrow.id}
                className={`arrow ${arrow.kind}`}
                d={way(from, to, arrow.kind).path}
                markerEnd={`url(#${marker}${arrow.kind})`}
              />
            );
          })}
        </svg>
        {cards.map((card) => {
          const spot = spots.get(card.id);
          if (!spot) return null;
          return (
            <div
              key={card.id}
              className="lane-card"
              style={{ left: spot.x, top: spot.y, width: spot.width, height: spot.height }}
            >
              {show(card)}
            </div>
          );
        })}
        {labelsOf(arrows).map(({ arrow, label: text }) => {
          const from = spots.get(arrow.from);
          const to = spots.get(arrow.to);
          if (!from || !to) return null;
          const at = way(from, to, arrow.kind);
          return (
            <span
              key={arrow.id}
              className={`arrow-label ${arrow.kind}`}
              title={text}
              style={{ left: at.x, top: at.y }}
            >
              {text}
            </span>
          );
        })}
      </div>
    </div>
  );
}

/** One label per card that arrows lead to: what comes in there, the first type and how many more. */
function labelsOf(arrows: Arrow[]): { arrow: Arrow; label: string }[] {
  const into = new Map<string, { arrow: Arrow; types: Set<string> }>();
  for (const arrow of arrows) {
    if (!arrow.label) continue;
    const found = into.get(arrow.to) ?? { arrow, types: new Set<string>() };
    for (const type of arrow.label.split(", ")) found.types.add(type);
    into.set(arrow.to, found);
  }
  return [...into.values()].map(({ arrow, types }) => {
    const [first = "", ...more] = types;
    return { arrow, label: more.length ? `${first} +${more.length}` : first };
  });
}
