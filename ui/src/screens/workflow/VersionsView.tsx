// Versions of a workflow, and what differs between two of them.
import { useQuery } from "@tanstack/react-query";
import { calls } from "../../api/calls";
import type { Workflow } from "../../api/types";
import { Diff } from "../../code/lazy";
import { Empty, Loading, Trouble } from "../../parts/Notice";

export function VersionsView({
  workflow,
  version,
  other,
  onOther,
}: {
  workflow: Workflow;
  version: string;
  other: string | null;
  onOther: (version: string) => void;
}) {
  const others = workflow.versions.filter((one) => one !== version);
  const before = other && others.includes(other) ? other : (others[0] ?? null);
  const [here, there] = [version, before].map((one) => ({
    queryKey: ["workflow", workflow.name, one],
    queryFn: () => calls.version(workflow.name, one ?? ""),
    enabled: one !== null,
  }));
  const current = useQuery(here as NonNullable<typeof here>);
  const compared = useQuery(there as NonNullable<typeof there>);
  if (!before) {
    return (
      <section className="card">
        <Empty icon="workflow" title={`${version} is the only version`}>
          Give the document another version and deploy it: what differs shows here. Runs finish with
          the version that they began with.
        </Empty>
      </section>
    );
  }
  const error = current.error ?? compared.error;
  return (
    <section className="card view source" aria-label="Versions">
      <header>
        <h2>What differs</h2>
        <label className="tick push">
          from
          <select
            className="field"
            value={before}
            onChange={(event) => onOther(event.target.value)}
          >
            {others.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <span>to {version}</span>
      </header>
      {error ? (
        <Trouble error={error} />
      ) : current.data && compared.data ? (
        <Diff
          before={compared.data.source}
          after={current.data.source}
          language="yaml"
          label={`From ${before} to ${version}`}
          beside
        />
      ) : (
        <Loading />
      )}
    </section>
  );
}
