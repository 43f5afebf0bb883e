// What there is to connect: events with who publishes and hears them, functions, services.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { calls } from "../../api/calls";
import type { Catalogue as Content } from "../../api/types";
import { Icon } from "../../parts/Icon";
import { Json } from "../../parts/Json";
import { Who } from "../../parts/Mark";
import { Empty, Loading, Trouble } from "../../parts/Notice";
import { type Column, Plain } from "../../parts/Plain";
import { Screen } from "../../parts/Screen";
import { Tabs } from "../../parts/Tabs";
import { names } from "../workflow/names";

type Event = Content["events"][number];
type Fn = Content["functions"][number];
type Service = Content["services"][number];

function Names({ of }: { of: string[] }) {
  if (!of.length) {
    return (
      <span className="mark plain" data-tone="idle">
        <Icon name="question" /> nobody here
      </span>
    );
  }
  return (
    <span className="row wrap">
      {of.map((name) =>
        name.includes("/") ? (
          <Link
            key={name}
            to="/workflows/$namespace/$name"
            params={names(name.split(":")[0] ?? "")}
          >
            {name}
          </Link>
        ) : (
          <Who key={name} name={name} />
        ),
      )}
    </span>
  );
}

const EVENTS: Column<Event>[] = [
  {
    id: "type",
    title: "Type",
    by: (one) => one.type,
    cell: (one) => <code>{one.type}</code>,
  },
  { id: "producers", title: "Published by", cell: (one) => <Names of={one.producers} /> },
  { id: "consumers", title: "Heard by", cell: (one) => <Names of={one.consumers} /> },
  {
    id: "schema",
    title: "Data",
    cell: (one) => <Schema of={one.schema} name={one.type} />,
  },
];

const FUNCTIONS: Column<Fn>[] = [
  {
    id: "name",
    title: "Function",
    by: (one) => one.name,
    cell: (one) => (
      <>
        <b>{one.name}</b> <span className="faint">{one.version}</span>
      </>
    ),
  },
  {
    id: "doc",
    title: "What it does",
    cell: (one) => <span className="quiet">{one.doc || "–"}</span>,
  },
  {
    id: "input",
    title: "Takes",
    cell: (one) => <Schema of={one.input} name={`${one.name} input`} />,
  },
  {
    id: "output",
    title: "Gives",
    cell: (one) => <Schema of={one.output} name={`${one.name} output`} />,
  },
];

const SERVICES: Column<Service>[] = [
  { id: "kind", title: "Kind", by: (one) => one.kind, cell: (one) => one.kind },
  { id: "at", title: "At", by: (one) => one.at, cell: (one) => <code>{one.at}</code> },
  {
    id: "tasks",
    title: "Called by",
    cell: (one) => (
      <span className="row wrap">
        {one.tasks.map((task) => (
          <code key={task}>{task}</code>
        ))}
      </span>
    ),
  },
];

function Schema({ of, name }: { of: unknown; name: string }) {
  const [open, setOpen] = useState(false);
  if (of === null || of === undefined) return <span className="faint">anything</span>;
  return (
    <div>
      <button type="button" className="link" aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? "hide schema" : "schema"}
        <span className="unseen"> of {name}</span>
      </button>
      {open ? <Json value={of} label={`schema of ${name}`} /> : null}
    </div>
  );
}

export function Catalogue() {
  const { tab = "events" } = useSearch({ from: "/catalogue" });
  const navigate = useNavigate({ from: "/catalogue" });
  const { data, error, refetch } = useQuery({ queryKey: ["catalogue"], queryFn: calls.catalogue });
  return (
    <Screen
      title="Catalogue"
      tabs={
        <Tabs
          label="Kinds of things to connect"
          chosen={tab}
          onChoose={(one) => void navigate({ search: { tab: one }, replace: true })}
          tabs={[
            { id: "events", name: "Events", ...(data ? { count: data.events.length } : {}) },
            {
              id: "functions",
              name: "Functions",
              ...(data ? { count: data.functions.length } : {}),
            },
            { id: "services", name: "Services", ...(data ? { count: data.services.length } : {}) },
          ]}
        />
      }
    >
      <section className="card" aria-label={tab}>
        {error && !data ? (
          <div className="inside">
            <Trouble error={error} retry={() => void refetch()} />
          </div>
        ) : !data ? (
          <Loading />
        ) : tab === "functions" && data.functions.length ? (
          <Plain
            label="Functions"
            columns={FUNCTIONS}
            rows={data.functions}
            idOf={(one) => one.name}
          />
        ) : tab === "services" && data.services.length ? (
          <Plain
            label="Services"
            columns={SERVICES}
            rows={data.services}
            idOf={(one) => `${one.kind} ${one.at}`}
          />
        ) : tab === "events" && data.events.length ? (
          <Plain label="Events" columns={EVENTS} rows={data.events} idOf={(one) => one.type} />
        ) : (
          <Empty icon="catalogue" title={`There are no ${tab} yet`} command="batuta project FILE">
            They are found in the workflows that are deployed. This shows what one of them publishes
            and hears:
          </Empty>
        )}
      </section>
    </Screen>
  );
}
