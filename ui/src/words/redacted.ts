// What the server writes where it may not tell.

/** Whether something in a value is not shown because it is marked secret. */
export function hasRedacted(value: unknown): boolean {
  return JSON.stringify(value)?.includes("[redacted]") ?? false;
}
