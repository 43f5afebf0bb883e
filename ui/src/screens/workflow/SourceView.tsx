// The document as it was deployed, with what a check says about it at its lines. It is read here and
// changed in files.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { Control, ProblemItem, Version } from "../../api/types";
import { Code } from "../../code/lazy";
import { Icon } from "../../parts/Icon";
import { Copy } from "../../parts/Notice";
import { Said } from "../../parts/Said";

export function SourceView({
  workflow,
  version,
  found,
  as,
  task,
}: {
  workflow: string;
  version: string;
  found: Version;
  as: Control;
  task: string | null;
}) {
  const [chosen, setChosen] = useState<number | null>(null);
  const graph = useQuery({
    queryKey: ["workflow", workflow, version, "graph"],
    queryFn: () => calls.graph(workflow, version),
    enabled: task !== null,
  });
  const line = chosen ?? graph.data?.nodes.find((node) => node.id === task)?.line ?? null;
  const problems = found.problems[as];
  const language = found.source.trimStart().startsWith("{") ? "json" : "yaml";
  return (
    <div className={problems.length ? "split" : "whole"}>
      <section className="card view source" aria-label="Source">
        <header>
          <h2>{found.identity}</h2>
          <span className="push" />
          <Copy text={found.source} what="source" />
        </header>
        <Code
          text={found.source}
          language={language}
          label={`Source of ${found.identity}`}
          problems={problems}
          line={line}
        />
      </section>
      {problems.length ? (
        <aside className="card panel" aria-label="What a check says">
          <header>
            <h2>{as === "choreographed" ? "Without a conductor" : "What a check says"}</h2>
          </header>
          <ul>
            {problems.map((one) => (
              <li key={`${one.code} ${one.line} ${one.message}`} className="remark">
                <Remark of={one} onChoose={() => setChosen(one.line ?? null)} />
              </li>
            ))}
          </ul>
        </aside>
      ) : null}
    </div>
  );
}

function Remark({ of, onChoose }: { of: ProblemItem; onChoose: () => void }) {
  const isError = of.severity !== "warning";
  return (
    <>
      <button type="button" className="link" onClick={onChoose} disabled={!of.line}>
        <span className="mark plain" data-tone={isError ? "bad" : "warn"}>
          <Icon name={isError ? "cross" : "warning"} />
          {isError ? "error" : "warning"}
        </span>{" "}
        {of.line ? `line ${of.line}` : ""} <code className="faint">{of.code}</code>
      </button>
      <p>
        <Said text={of.message} />
      </p>
      {of.hint ? (
        <p className="quiet">
          <Said text={of.hint} />
        </p>
      ) : null}
    </>
  );
}
