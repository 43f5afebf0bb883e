// The keyboard: what a key does on the screen that is open. One listener for the page; who comes
// last is asked first, so a list's keys are its own while it is shown.
import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Key {
  /** As KeyboardEvent.key has it; two letters with a space between are pressed one after another. */
  key: string;
  what: string;
  group: string;
  act: () => void;
}

const layers: Key[][] = [];
const watchers = new Set<() => void>();
let known: readonly Key[] = [];
let first = "";
let forget: ReturnType<typeof setTimeout> | undefined;

const TYPED = new Set(["INPUT", "TEXTAREA", "SELECT"]);

/** Whether keys are meant for what is being typed into. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement && ["checkbox", "radio"].includes(target.type))
    return false;
  return TYPED.has(target.tagName) || target.isContentEditable;
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  // Enter and Space on a button or link are that button's.
  if (
    event.key === "Enter" &&
    event.target instanceof HTMLElement &&
    event.target !== document.body
  ) {
    if (event.target.closest("button, a, summary")) return;
  }
  const pressed = first ? `${first} ${event.key}` : event.key;
  clearTimeout(forget);
  first = "";
  for (let at = layers.length - 1; at >= 0; at -= 1) {
    const found = layers[at]?.find((one) => one.key === pressed);
    if (found) {
      event.preventDefault();
      found.act();
      return;
    }
  }
  if (known.some((one) => one.key.startsWith(`${event.key} `))) {
    first = event.key;
    forget = setTimeout(() => {
      first = "";
    }, 900);
  }
}

function changed(): void {
  known = layers.flat();
  for (const watcher of watchers) watcher();
}

/** Have keys do something while the caller is shown; the newest `act` counts. */
export function useKeys(keys: Key[]): void {
  const newest = useRef(keys);
  newest.current = keys;
  const shape = keys.map((one) => `${one.key}${one.what}`).join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape is all that a layer is made of
  useEffect(() => {
    const layer = newest.current.map((one, at) => ({
      ...one,
      act: () => newest.current[at]?.act(),
    }));
    if (layers.length === 0) document.addEventListener("keydown", onKey);
    layers.push(layer);
    changed();
    return () => {
      layers.splice(layers.indexOf(layer), 1);
      if (layers.length === 0) document.removeEventListener("keydown", onKey);
      changed();
    };
  }, [shape]);
}

/** All keys that do something now. */
export function useKnownKeys(): readonly Key[] {
  return useSyncExternalStore(watch, () => known);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
