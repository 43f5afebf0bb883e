// All workflows that are deployed.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { calls } from "../../api/calls";
import type { Workflow } from "../../api/types";
import { Asked } from "../../parts/Asked";
import { ControlMark, Who } from "../../parts/Mark";
import { Empty } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Screen } from "../../parts/Screen";
import { Time } from "../../parts/Time";
import { names } from "../workflow/names";

const COLUMNS: Column<Workflow>[] = [
  {
    id: "name",
    title: "Workflow",
    by: (one) => one.name,
    cell: (one) => (
      <Link to="/workflows/$namespace/$name" params={names(one.name)}>
        <b>{one.name}</b>
      </Link>
    ),
  },
  {
    id: "title",
    title: "What it does",
    cell: (one) => (
      <div className="cut brief">
        {one.title} <span className="faint">{one.summary}</span>
      </div>
    ),
  },
  {
    id: "control",
    title: "Unless asked otherwise",
    by: (one) => one.control,
    cell: (one) => <ControlMark of={one.control} />,
  },
  {
    id: "participants",
    title: "Participants",
    cell: (one) => (
      <span className="row wrap">
        {one.participants.map((name) => (
          <Who key={name} name={name} />
        ))}
      </span>
    ),
  },
  {
    id: "version",
    title: "Newest version",
    cell: (one) => (
      <>
        {one.latest}{" "}
        {one.versions.length > 1 ? <span className="faint">of {one.versions.length}</span> : null}
      </>
    ),
  },
  {
    id: "deployed",
    title: "Deployed",
    by: (one) => one.deployedAt,
    cell: (one) => <Time at={one.deployedAt} />,
  },
];

export function Workflows() {
  const navigate = useNavigate();
  const asked = useQuery({ queryKey: ["workflows"], queryFn: calls.workflows });
  return (
    <Screen title="Workflows">
      <section className="card" aria-label="Workflows that are deployed">
        <Asked of={asked}>
          {({ items }) =>
            items.length ? (
              <Plain
                label="Workflows"
                columns={COLUMNS}
                rows={items}
                idOf={(one) => one.name}
                onOpen={(one) =>
                  void navigate({ to: "/workflows/$namespace/$name", params: names(one.name) })
                }
              />
            ) : (
              <Empty
                icon="workflow"
                title="No workflow is deployed"
                command="batuta new hello && batuta up hello"
              >
                Workflows are files. This makes a first one and runs it:
              </Empty>
            )
          }
        </Asked>
      </section>
    </Screen>
  );
}
