// The two halves of a workflow's name, as addresses have them.

export function names(workflow: string): { namespace: string; name: string } {
  const [namespace = "", name = ""] = workflow.split("/");
  return { namespace, name };
}
