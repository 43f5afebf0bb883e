// One workflow: the same document as orchestration or as choreography, its source, its versions.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { calls } from "../../api/calls";
import { Refusal } from "../../api/http";
import type { Control, Version, Workflow } from "../../api/types";
import { may, useSession } from "../../app/session";
import { Choice } from "../../parts/Choice";
import { Icon } from "../../parts/Icon";
import { ControlMark, Who } from "../../parts/Mark";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { Screen } from "../../parts/Screen";
import { Tabs } from "../../parts/Tabs";
import { Time } from "../../parts/Time";
import { plural } from "../../words/numbers";
import { AsChoreography } from "./AsChoreography";
import { AsOrchestration } from "./AsOrchestration";
import { GraphView } from "./GraphView";
import { SourceView } from "./SourceView";
import { Start } from "./Start";
import { VersionsView } from "./VersionsView";
import "./workflow.css";

export function WorkflowScreen() {
  const { namespace, name } = useParams({ from: "/workflows/$namespace/$name" });
  const { version: asked } = useSearch({ from: "/workflows/$namespace/$name" });
  const full = `${namespace}/${name}`;
  const all = useQuery({ queryKey: ["workflows"], queryFn: calls.workflows });
  const workflow = all.data?.items.find((one) => one.name === full);
  const version = asked ?? workflow?.latest;
  const found = useQuery({
    queryKey: ["workflow", full, version],
    queryFn: () => calls.version(full, version ?? ""),
    enabled: version !== undefined,
  });
  const isMissing = found.error instanceof Refusal && found.error.status === 404;
  if ((all.data && !workflow) || isMissing) {
    return (
      <Screen title={full} trail={<Link to="/workflows">Workflows</Link>}>
        <Empty icon="workflow" title="There is no such workflow here" command="batuta up .">
          Code is deployed from files: put its document into the folder that runs.
        </Empty>
      </Screen>
    );
  }
  if (!workflow || !version || !found.data) {
    return (
      <Screen title={full} trail={<Link to="/workflows">Workflows</Link>}>
        {all.error || found.error ? (
          <Trouble error={all.error ?? found.error} retry={() => void found.refetch()} />
        ) : (
          <Loading rows={9} />
        )}
      </Screen>
    );
  }
  return <Shown workflow={workflow} version={version} found={found.data} />;
}

const VIEWS = [
  { id: "lanes", name: "Who does what" },
  { id: "graph", name: "Graph" },
  { id: "source", name: "Source" },
  { id: "versions", name: "Versions" },
];

function Shown({
  workflow,
  version,
  found,
}: {
  workflow: Workflow;
  version: string;
  found: Version;
}) {
  const search = useSearch({ from: "/workflows/$namespace/$name" });
  const navigate = useNavigate({ from: "/workflows/$namespace/$name" });
  const session = useSession();
  const [starting, setStarting] = useState(false);
  const view = search.view ?? "lanes";
  const as: Control =
    search.as === "choreographed" || search.as === "orchestrated" ? search.as : found.control;
  const set = (change: Partial<typeof search>) =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const problems = found.problems[as];
  return (
    <Screen
      title={workflow.name}
      trail={
        <>
          <Link to="/workflows">Workflows</Link>
          <span aria-hidden="true">/</span>
        </>
      }
      actions={
        <>
          <select
            className="field"
            aria-label="Version"
            value={version}
            onChange={(event) => set({ version: event.target.value })}
          >
            {workflow.versions.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <Link to="/runs" search={{ workflow: workflow.name }} className="button">
            <Icon name="runs" /> Runs
          </Link>
          {may(session, "operator") ? (
            <button type="button" className="button main" onClick={() => setStarting(true)}>
              <Icon name="play" /> Start…
            </button>
          ) : null}
        </>
      }
      tabs={
        <>
          <About workflow={workflow} found={found} />
          <Tabs
            label="Views of the workflow"
            tabs={VIEWS}
            chosen={view}
            onChoose={(one) => set({ view: one })}
          />
        </>
      }
    >
      {view === "lanes" || view === "source" ? (
        <div className="row wrap">
          <Choice
            label="Control model"
            chosen={as}
            onChoose={(one) => set({ as: one })}
            options={[
              { id: "orchestrated", name: "as orchestration", icon: "baton" },
              { id: "choreographed", name: "as choreography", icon: "dance" },
            ]}
          />
          <span className="quiet">
            {as === "orchestrated"
              ? "One conductor directs every step; participants do what they are asked."
              : "Nobody directs: each participant reacts to events by its own rules."}
          </span>
          {problems.length && view !== "source" ? (
            <button type="button" className="link push" onClick={() => set({ view: "source" })}>
              <Icon name="warning" /> {plural(problems.length, "remark")} in the source
            </button>
          ) : null}
        </div>
      ) : null}
      {view === "graph" ? (
        <GraphView
          workflow={workflow.name}
          version={version}
          onSource={(task) => set({ view: "source", task })}
        />
      ) : view === "source" ? (
        <SourceView
          workflow={workflow.name}
          version={version}
          found={found}
          as={as}
          task={search.task ?? null}
        />
      ) : view === "versions" ? (
        <VersionsView
          workflow={workflow}
          version={version}
          other={search.with ?? null}
          onOther={(one) => set({ with: one })}
        />
      ) : as === "orchestrated" ? (
        <AsOrchestration workflow={workflow} version={version} found={found} />
      ) : (
        <AsChoreography
          workflow={workflow.name}
          version={version}
          onSource={() => set({ view: "source" })}
        />
      )}
      {starting ? (
        <Start
          workflow={workflow.name}
          version={version}
          control={as}
          onClose={() => setStarting(false)}
        />
      ) : null}
    </Screen>
  );
}

function About({ workflow, found }: { workflow: Workflow; found: Version }) {
  const live = Object.entries(found.runs).filter(([, many]) => many > 0);
  return (
    <dl className="about">
      <div className="wide">
        <dt>{workflow.title || "Workflow"}</dt>
        <dd className="quiet">{workflow.summary || "It has no summary."}</dd>
      </div>
      <div>
        <dt>Unless asked otherwise</dt>
        <dd>
          <ControlMark of={found.control} />
        </dd>
      </div>
      <div>
        <dt>Participants</dt>
        <dd className="row wrap">
          {found.participants.map((one) => (
            <span
              key={one.name}
              title={[one.title, one.owner && `owner: ${one.owner}`].filter(Boolean).join(", ")}
            >
              <Who name={one.name} />
            </span>
          ))}
        </dd>
      </div>
      <div>
        <dt>Under way</dt>
        <dd>
          {live.length ? live.map(([status, many]) => `${many} ${status}`).join(", ") : "nothing"}
        </dd>
      </div>
      <div>
        <dt>Deployed</dt>
        <dd>
          <Time at={found.deployedAt} />
        </dd>
      </div>
    </dl>
  );
}
