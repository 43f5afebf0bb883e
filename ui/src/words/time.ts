// Times and spans as people read them. All pure: the moment that is "now" is given.

export type TimeStyle = "relative" | "local" | "utc";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (value: number) => String(value).padStart(2, "0");

/** A span in its two largest units: `340 ms`, `4.2 s`, `3 min 12 s`, `2 d 4 h`. */
export function span(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return "–";
  if (ms < 0) return `-${span(-ms)}`;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return pair(ms, MINUTE, "min", SECOND, "s");
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAY, "d", HOUR, "h");
}

/** A text in which milliseconds are said as spans: `nothing for 61000 ms` → `nothing for 1 min 1 s`. */
export function spansIn(text: string): string {
  return text.replace(/\b(\d+) ms\b/g, (_, ms: string) => span(Number(ms)));
}

function pair(ms: number, large: number, name: string, small: number, other: string): string {
  const whole = Math.floor(ms / large);
  const rest = Math.floor((ms % large) / small);
  return rest ? `${whole} ${name} ${rest} ${other}` : `${whole} ${name}`;
}

/** How long ago, or in how long: `now`, `12 s ago`, `in 3 min`. One unit is enough. */
export function ago(at: number, now: number): string {
  const gap = now - at;
  const size = Math.abs(gap);
  if (size < 1_500) return "now";
  const [unit, name] =
    size < MINUTE
      ? [SECOND, "s"]
      : size < HOUR
        ? [MINUTE, "min"]
        : size < DAY
          ? [HOUR, "h"]
          : [DAY, "d"];
  const text = `${Math.floor(size / (unit as number))} ${name}`;
  return gap > 0 ? `${text} ago` : `in ${text}`;
}

/** Date and time; the date is left out where it is today's. `precise` adds milliseconds. */
export function moment(at: number, now: number, style: "local" | "utc", precise = false): string {
  const date = new Date(at);
  const today = new Date(now);
  const parts =
    style === "utc"
      ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
      : [date.getFullYear(), date.getMonth(), date.getDate()];
  const same =
    style === "utc"
      ? [today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate()]
      : [today.getFullYear(), today.getMonth(), today.getDate()];
  const clock =
    style === "utc"
      ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
      : [date.getHours(), date.getMinutes(), date.getSeconds()];
  const [hour = 0, minute = 0, second = 0] = clock;
  const [year = 0, month = 0, day = 0] = parts;
  let text = `${two(hour)}:${two(minute)}:${two(second)}`;
  if (precise) text += `.${String(date.getUTCMilliseconds()).padStart(3, "0")}`;
  if (parts.join() !== same.join()) text = `${year}-${two(month + 1)}-${two(day)} ${text}`;
  return style === "utc" ? `${text}Z` : text;
}

/** Epoch milliseconds of an RFC 3339 text; null for none and for what is no time. */
export function when(text: string | null | undefined): number | null {
  if (!text) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

/** Milliseconds of an ISO 8601 duration of days and smaller units, or of a plain number. */
export function milliseconds(value: number | string | null | undefined): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "number") return value;
  const found = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(value);
  if (!found) return null;
  const [, days = "0", hours = "0", minutes = "0", seconds = "0"] = found;
  return (
    Number(days) * DAY + Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * SECOND
  );
}
