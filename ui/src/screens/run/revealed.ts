// A run's data with what is secret, laid over what everybody sees.
import type { Revealed, RunDetail, Task } from "../../api/types";
import { keyOf } from "./timeline";

export function runWith(run: RunDetail, revealed: Revealed | null): RunDetail {
  if (!revealed) return run;
  return { ...run, output: revealed.output, error: revealed.error, keys: revealed.keys };
}

/** What has changed since is shown as it is now, redacted. */
export function tasksWith(tasks: Task[], revealed: Revealed | null): Task[] {
  if (!revealed) return tasks;
  const known = new Map(revealed.tasks.map((one) => [keyOf(one), one]));
  return tasks.map((task) => {
    const whole = known.get(keyOf(task));
    return whole?.status === task.status ? whole : task;
  });
}
