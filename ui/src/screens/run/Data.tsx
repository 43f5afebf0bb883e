// What a run was given and what came of it, side by side or as their difference.
import { useState } from "react";
import type { RunDetail } from "../../api/types";
import { Diff } from "../../code/lazy";
import { Choice } from "../../parts/Choice";
import { Json } from "../../parts/Json";
import { Trouble } from "../../parts/Notice";

export function pretty(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

export function Data({ run }: { run: RunDetail }) {
  const [as, setAs] = useState<"values" | "difference">("values");
  return (
    <div className="inside stack">
      <Choice
        label="Show as"
        chosen={as}
        onChoose={setAs}
        options={[
          { id: "values", name: "Values" },
          { id: "difference", name: "Difference" },
        ]}
      />
      {as === "difference" ? (
        <Diff
          before={pretty(run.input)}
          after={pretty(run.output)}
          language="json"
          label="From input to output"
          beside
        />
      ) : (
        <div className="pair-of">
          <div className="stack tight">
            <h3>Input</h3>
            <Json value={run.input} label="input" />
          </div>
          <div className="stack tight">
            <h3>{run.error ? "Error" : "Output"}</h3>
            {run.error ? (
              <Trouble error={new Error(run.error.title ?? "faulted")} />
            ) : (
              <Json value={run.output} label="output" />
            )}
          </div>
        </div>
      )}
    </div>
  );
}
