// Where cards and arrows stand when each participant has a lane. Rows go down in the order in which
// things happen; a card is as high as what it holds.
export interface Lane {
  id: string;
  /** Whose it is, null for the conductor. */
  participant: string | null;
}

export interface Card {
  id: string;
  lane: string;
  row: number;
  height: number;
}

export type ArrowKind = "event" | "ask" | "answer" | "next" | "failure";

export interface Arrow {
  id: string;
  from: string;
  to: string;
  label: string;
  kind: ArrowKind;
}

export interface Spot {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Placement {
  spots: Map<string, Spot>;
  width: number;
  height: number;
}

export const LANE = 184;
export const GAP = 10;
const CARD = 174;
const TOP = 14;

export function place(lanes: Lane[], cards: Card[], rowGap: number): Placement {
  const columns = new Map(lanes.map((lane, at) => [lane.id, at]));
  const heights: number[] = [];
  for (const card of cards) heights[card.row] = Math.max(heights[card.row] ?? 0, card.height);
  const tops: number[] = [];
  let y = TOP;
  for (let row = 0; row < heights.length; row += 1) {
    tops[row] = y;
    const height = heights[row];
    if (height !== undefined) y += height + rowGap;
  }
  const spots = new Map<string, Spot>();
  for (const card of cards) {
    const column = columns.get(card.lane) ?? 0;
    const room = (heights[card.row] ?? card.height) - card.height;
    spots.set(card.id, {
      x: column * (LANE + GAP) + (LANE - CARD) / 2,
      y: (tops[card.row] ?? TOP) + room / 2,
      width: CARD,
      height: card.height,
    });
  }
  return {
    spots,
    width: lanes.length * (LANE + GAP) - GAP,
    height: y - rowGap + TOP,
  };
}

/** An arrow as an SVG path and where its label stands: straight across a row, else from below. */
export function way(from: Spot, to: Spot, kind: ArrowKind): { path: string; x: number; y: number } {
  const across = kind === "ask" || kind === "answer";
  if (across) {
    const right = to.x > from.x;
    const lift = kind === "ask" ? -7 : 7;
    const x1 = right ? from.x + from.width : from.x;
    const x2 = right ? to.x : to.x + to.width;
    const y = Math.max(from.y, to.y) + Math.min(from.height, to.height) / 2 + lift;
    return { path: `M ${x1} ${y} L ${x2} ${y}`, x: (x1 + x2) / 2, y };
  }
  const x1 = from.x + from.width / 2;
  const x2 = to.x + to.width / 2;
  const y1 = from.y + from.height;
  const y2 = to.y;
  if (y2 > y1) {
    const middle = (y1 + y2) / 2;
    const low = y2 - Math.min(26, (y2 - y1) / 2);
    return {
      path:
        x1 === x2
          ? `M ${x1} ${y1} L ${x2} ${y2}`
          : `M ${x1} ${y1} C ${x1} ${low} ${x2} ${middle - 8} ${x2} ${y2}`,
      x: x2,
      y: y2 - Math.min(15, (y2 - y1) / 2),
    };
  }
  // Back up: out at the side, and in from above.
  const side = x2 >= x1 ? from.x + from.width : from.x;
  const bend = x2 >= x1 ? side + 34 : side - 34;
  return {
    path: `M ${side} ${from.y + from.height / 2} C ${bend} ${from.y} ${x2} ${y2 - 46} ${x2} ${y2}`,
    x: x2,
    y: y2 - 15,
  };
}
