// Screens as pieces of code of their own: fetched when first opened or pointed at, and all of them
// soon after the page is there, so that one can go anywhere while the server is away.
import { type ComponentType, createElement } from "react";

type Load = () => Promise<ComponentType>;

const AFTER_MS = 2_500;
const fetches: (() => Promise<void>)[] = [];

/**
 * A screen from its code. The router asks for its `preload` before it goes there; what was fetched
 * is drawn at once, and what cannot be fetched is told where the screen would be.
 */
export function screen(load: Load) {
  let found: ComponentType | null = null;
  let failure: unknown = null;
  let fetching: Promise<void> | null = null;
  const preload = () => {
    fetching ??= load().then(
      (component) => {
        found = component;
        failure = null;
      },
      (error: unknown) => {
        failure = error;
        fetching = null;
      },
    );
    return fetching;
  };
  const Screen = () => {
    if (found) return createElement(found);
    if (failure) {
      const told = failure;
      failure = null;
      throw told;
    }
    throw preload();
  };
  fetches.push(preload);
  return Object.assign(Screen, { preload });
}

/** Fetch the code of all screens, one after the other, when there is time; returns how to stop. */
export function fetchAll(): () => void {
  let isStopped = false;
  const timer = setTimeout(async () => {
    for (const fetch of fetches) if (!isStopped) await fetch();
  }, AFTER_MS);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
