// What a run was given and what came of it, side by side or as their difference.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { Revealed, RunDetail } from "../../api/types";
import { Diff } from "../../code/lazy";
import { Choice } from "../../parts/Choice";
import { Json } from "../../parts/Json";
import { Loading, Trouble } from "../../parts/Notice";

export function pretty(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** What a run was started with: asked for when it is needed, since it never changes. */
export function useInput(run: string, enabled = true) {
  return useQuery({
    queryKey: ["input", run],
    queryFn: async () => (await calls.input(run)).input,
    staleTime: Number.POSITIVE_INFINITY,
    enabled,
  });
}

export function Data({ run, revealed }: { run: RunDetail; revealed: Revealed | null }) {
  const [as, setAs] = useState<"values" | "difference">("values");
  const input = useInput(run.id);
  const given = revealed ? revealed.input : input.data;
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
          before={pretty(given)}
          after={pretty(run.output)}
          language="json"
          label="From input to output"
          beside
        />
      ) : (
        <div className="pair-of">
          <div className="stack tight">
            <h2>Input</h2>
            {input.error ? (
              <Trouble error={input.error} />
            ) : input.isPending ? (
              <Loading rows={3} />
            ) : (
              <Json value={given} label="input" />
            )}
          </div>
          <div className="stack tight">
            <h2>{run.error ? "Error" : "Output"}</h2>
            <Json value={run.error ?? run.output} label={run.error ? "error" : "output"} />
          </div>
        </div>
      )}
    </div>
  );
}
