// What a person has chosen for this browser: looks, times, columns, saved views. Nothing of it is
// the server's, and nothing secret is in it.
import { useSyncExternalStore } from "react";
import type { TimeStyle } from "../words/time";

export interface SavedView {
  name: string;
  search: Record<string, unknown>;
}

export interface Preferences {
  theme: "system" | "light" | "dark";
  time: TimeStyle;
  columns: Record<string, boolean>;
  views: SavedView[];
}

const PLACE = "batuta.preferences";
const DEFAULTS: Preferences = { theme: "system", time: "relative", columns: {}, views: [] };

let current: Preferences = load();
const watchers = new Set<() => void>();

function load(): Preferences {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PLACE) ?? "{}");
    return { ...DEFAULTS, ...(typeof kept === "object" ? kept : {}) };
  } catch {
    return DEFAULTS;
  }
}

export function applyTheme(): void {
  const root = document.documentElement;
  if (current.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = current.theme;
}

export function prefer(change: Partial<Preferences>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(PLACE, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing forgets the choice with the tab.
  }
  applyTheme();
  for (const watcher of watchers) watcher();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(watch, () => current);
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

export const nextTheme = { system: "light", light: "dark", dark: "system" } as const;
export const nextTime = { relative: "local", local: "utc", utc: "relative" } as const;
