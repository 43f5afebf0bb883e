// Where everything is. Addresses stand behind the #, so a link to anything works without the server
// knowing the page's screens; each screen is its own piece of code, fetched when first opened.
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";
import { Loading } from "../parts/Notice";
import { readFilter } from "../screens/runs/filter";
import { Missing } from "./Missing";
import { Shell } from "./Shell";

/** The named texts of a search; what is none is left out. */
function texts<const N extends string>(...names: N[]) {
  return (search: Record<string, unknown>): { [K in N]?: string } => {
    const found: { [K in N]?: string } = {};
    for (const name of names) {
      const value = search[name];
      if (typeof value === "string" && value) found[name] = value;
      else if (typeof value === "number") found[name] = String(value);
    }
    return found;
  };
}

const root = createRootRoute({ component: Shell, notFoundComponent: Missing });
const at = <const P extends string>(path: P) => ({ getParentRoute: () => root, path });

const health = createRoute({
  ...at("/"),
  component: lazyRouteComponent(() => import("../screens/health/Health"), "Health"),
});
const runs = createRoute({
  ...at("/runs"),
  validateSearch: readFilter,
  component: lazyRouteComponent(() => import("../screens/runs/Runs"), "Runs"),
});
const run = createRoute({
  ...at("/runs/$run"),
  validateSearch: texts("tab", "task"),
  component: lazyRouteComponent(() => import("../screens/run/RunScreen"), "RunScreen"),
});
const workflow = createRoute({
  ...at("/workflows/$namespace/$name"),
  validateSearch: texts("version", "view", "as", "task", "with"),
  component: lazyRouteComponent(
    () => import("../screens/workflow/WorkflowScreen"),
    "WorkflowScreen",
  ),
});
const workflows = createRoute({
  ...at("/workflows"),
  component: lazyRouteComponent(() => import("../screens/workflows/Workflows"), "Workflows"),
});
const map = createRoute({
  ...at("/map"),
  validateSearch: texts("minutes", "edge"),
  component: lazyRouteComponent(() => import("../screens/map/LiveMap"), "LiveMap"),
});
const dead = createRoute({
  ...at("/dead"),
  validateSearch: texts("participant", "group", "letter"),
  component: lazyRouteComponent(() => import("../screens/dead/Dead"), "Dead"),
});
const participants = createRoute({
  ...at("/participants"),
  component: lazyRouteComponent(
    () => import("../screens/participants/Participants"),
    "Participants",
  ),
});
const triggers = createRoute({
  ...at("/triggers"),
  component: lazyRouteComponent(() => import("../screens/triggers/Triggers"), "Triggers"),
});
const catalogue = createRoute({
  ...at("/catalogue"),
  validateSearch: texts("tab"),
  component: lazyRouteComponent(() => import("../screens/catalogue/Catalogue"), "Catalogue"),
});
const settings = createRoute({
  ...at("/settings"),
  component: lazyRouteComponent(() => import("../screens/settings/Settings"), "Settings"),
});
const routes = [
  health,
  runs,
  run,
  workflows,
  workflow,
  map,
  dead,
  participants,
  triggers,
  catalogue,
  settings,
] as const;

export const router = createRouter({
  routeTree: root.addChildren(routes),
  history: createHashHistory(),
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
