// Where everything is. Addresses stand behind the #, so a link to anything works without the server
// knowing the page's screens; each screen is its own piece of code, fetched when first opened.
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
} from "@tanstack/react-router";
import { readFilter } from "../screens/runs/filter";
import { Broken } from "./Broken";
import { Missing } from "./Missing";
import { Pending } from "./Pending";
import { Shell } from "./Shell";
import { screen } from "./screens";

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
  component: screen(() => import("../screens/health/Health").then((found) => found.Health)),
});
const runs = createRoute({
  ...at("/runs"),
  validateSearch: readFilter,
  component: screen(() => import("../screens/runs/Runs").then((found) => found.Runs)),
});
const run = createRoute({
  ...at("/runs/$run"),
  validateSearch: texts("tab", "task"),
  component: screen(() => import("../screens/run/RunScreen").then((found) => found.RunScreen)),
});
const workflow = createRoute({
  ...at("/workflows/$namespace/$name"),
  validateSearch: texts("version", "view", "as", "task", "with"),
  component: screen(() =>
    import("../screens/workflow/WorkflowScreen").then((found) => found.WorkflowScreen),
  ),
});
const workflows = createRoute({
  ...at("/workflows"),
  component: screen(() =>
    import("../screens/workflows/Workflows").then((found) => found.Workflows),
  ),
});
const map = createRoute({
  ...at("/map"),
  validateSearch: texts("minutes", "edge"),
  component: screen(() => import("../screens/map/LiveMap").then((found) => found.LiveMap)),
});
const dead = createRoute({
  ...at("/dead"),
  validateSearch: texts("participant", "group", "letter"),
  component: screen(() => import("../screens/dead/Dead").then((found) => found.Dead)),
});
const participants = createRoute({
  ...at("/participants"),
  component: screen(() =>
    import("../screens/participants/Participants").then((found) => found.Participants),
  ),
});
const triggers = createRoute({
  ...at("/triggers"),
  component: screen(() => import("../screens/triggers/Triggers").then((found) => found.Triggers)),
});
const catalogue = createRoute({
  ...at("/catalogue"),
  validateSearch: texts("tab"),
  component: screen(() =>
    import("../screens/catalogue/Catalogue").then((found) => found.Catalogue),
  ),
});
const settings = createRoute({
  ...at("/settings"),
  component: screen(() => import("../screens/settings/Settings").then((found) => found.Settings)),
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
  defaultPendingComponent: Pending,
  defaultErrorComponent: Broken,
  scrollRestoration: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
