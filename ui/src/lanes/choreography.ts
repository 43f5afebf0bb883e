// A workflow without a conductor, as cards and arrows: one card for each rule, in the lane of the
// participant that has it; an arrow for each event that one rule publishes and another acts upon.
import type { Rule, Rules } from "../api/types";
import type { Arrow, Card, Lane } from "./place";

export interface RuleCard extends Card {
  participant: string;
  rule: Rule;
  external: boolean;
  begins: boolean;
  failing: boolean;
}

export interface Choreography {
  lanes: Lane[];
  cards: RuleCard[];
  arrows: Arrow[];
}

const HEAD = 30;
const LINE = 23;
const FAILED = /\.(faulted|control)$/;
const ENDED = /\.(ended|control)$/;

/** The prefix that the events of a workflow's own control share. */
export function prefixOf(workflow: string): string {
  return `batuta.${workflow.replace("/", ".")}.`;
}

export function short(type: string, prefix: string): string {
  return type.startsWith(prefix) ? type.slice(prefix.length) : type;
}

export function isFailing(rule: Rule): boolean {
  return rule.undoes !== null || (rule.on.length > 0 && rule.on.every((type) => FAILED.test(type)));
}

export function choreography(rules: Rules, workflow: string, failures: boolean): Choreography {
  const prefix = prefixOf(workflow);
  const cards: RuleCard[] = [];
  for (const participant of rules.participants) {
    participant.rules.forEach((rule, at) => {
      const failing = isFailing(rule);
      if (failing && !failures) return;
      const begins = participant.name === rules.begins && rule.on.includes(`${prefix}start`);
      const lines = Math.max(1, rule.tasks.length) + (rule.when ? 1 : 0);
      cards.push({
        id: `${participant.name} ${at}`,
        lane: participant.name,
        row: 0,
        height: HEAD + lines * LINE + 6,
        participant: participant.name,
        rule,
        external: participant.external,
        begins,
        failing,
      });
    });
  }
  const arrows: Arrow[] = [];
  for (const from of cards) {
    for (const to of cards) {
      if (from === to) continue;
      // Every rule publishes what went wrong and that all is over; they are not how it goes on.
      const types = from.rule.then.filter(
        (type) =>
          to.rule.on.includes(type) &&
          !ENDED.test(type) &&
          (failures || !FAILED.test(type)) &&
          !(type === `${prefix}start` && !from.begins),
      );
      if (!types.length) continue;
      arrows.push({
        id: `${from.id} → ${to.id}`,
        from: from.id,
        to: to.id,
        label: types.map((type) => short(type, prefix)).join(", "),
        kind: types.every((type) => FAILED.test(type)) ? "failure" : "event",
      });
    }
  }
  rank(cards, arrows);
  return {
    lanes: rules.participants
      .filter((one) => cards.some((card) => card.lane === one.name))
      .map((one) => ({ id: one.name, participant: one.name })),
    cards,
    arrows,
  };
}

/** Give each card a row below all that lead to it; ways back up count for nothing. */
function rank(cards: RuleCard[], arrows: Arrow[]): void {
  const byId = new Map(cards.map((card) => [card.id, card]));
  const after = new Map<string, string[]>();
  for (const arrow of arrows) after.set(arrow.from, [...(after.get(arrow.from) ?? []), arrow.to]);
  const onWay = new Set<string>();
  const reach = (id: string, row: number, steps: number) => {
    const card = byId.get(id);
    if (!card || onWay.has(id) || steps > cards.length || (card.row >= row && row > 0)) return;
    card.row = Math.max(card.row, row);
    onWay.add(id);
    for (const next of after.get(id) ?? []) reach(next, row + 1, steps + 1);
    onWay.delete(id);
  };
  const reached = new Set(arrows.map((arrow) => arrow.to));
  const first = cards.filter((card) => card.begins);
  const roots = first.length ? first : cards.filter((card) => !reached.has(card.id));
  for (const card of roots) reach(card.id, 0, 0);
  const used = Math.max(0, ...cards.map((card) => card.row));
  // What nothing leads to (undoing, on a failure) stands at the end.
  for (const card of cards) {
    if (card.row === 0 && !roots.includes(card)) card.row = used + 1;
  }
  separate(cards);
}

/** Two rules of one participant never share a row: the later one goes down, and all below it. */
function separate(cards: RuleCard[]): void {
  for (let row = 0; row <= Math.max(...cards.map((card) => card.row)); row += 1) {
    const seen = new Set<string>();
    for (const card of cards.filter((one) => one.row === row)) {
      if (!seen.has(card.lane)) {
        seen.add(card.lane);
        continue;
      }
      for (const other of cards) if (other.row > row) other.row += 1;
      card.row = row + 1;
    }
  }
}
