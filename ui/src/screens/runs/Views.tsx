// Filters with a name: those that everybody has, and those that were saved in this browser.
import { useState } from "react";
import { prefer, usePreferences } from "../../app/preferences";
import { Icon } from "../../parts/Icon";
import { type Filter, readFilter, same, told } from "./filter";

const GIVEN: { name: string; search: Filter }[] = [
  { name: "All", search: {} },
  { name: "Under way", search: { status: "running" } },
  { name: "Waiting", search: { status: "waiting" } },
  { name: "Faulted", search: { status: "faulted" } },
  { name: "Stuck", search: { stuck: true } },
];

export function Views({
  filter,
  onChange,
}: {
  filter: Filter;
  onChange: (filter: Filter) => void;
}) {
  const { views } = usePreferences();
  const [naming, setNaming] = useState(false);
  const saved = views.map((one) => ({ name: one.name, search: readFilter(one.search) }));
  const all = [...GIVEN, ...saved];
  const chosen = all.find((one) => same(one.search, filter));
  const isOwn = chosen !== undefined && saved.includes(chosen);
  return (
    <div className="tabs" role="group" aria-label="Views">
      {all.map((one) => (
        <button
          key={one.name}
          type="button"
          aria-pressed={one === chosen}
          onClick={() => onChange(one.search)}
        >
          {one.name}
        </button>
      ))}
      {isOwn ? (
        <button
          type="button"
          onClick={() => prefer({ views: views.filter((one) => one.name !== chosen.name) })}
        >
          <Icon name="close" /> Forget this view
        </button>
      ) : null}
      {!chosen && (told(filter).length || filter.q) ? (
        naming ? (
          <form
            className="row"
            onSubmit={(event) => {
              event.preventDefault();
              const name = String(new FormData(event.currentTarget).get("name") ?? "").trim();
              if (name && !all.some((one) => one.name === name)) {
                prefer({ views: [...views, { name, search: { ...filter } }] });
                setNaming(false);
              }
            }}
          >
            <input
              className="field"
              name="name"
              aria-label="Name of the view"
              placeholder="Name of the view"
              // biome-ignore lint/a11y/noAutofocus: it was just asked for
              autoFocus
              onKeyDown={(event) => {
                if (event.key === "Escape") setNaming(false);
              }}
            />
            <button type="submit">Save</button>
          </form>
        ) : (
          <button type="button" onClick={() => setNaming(true)}>
            <Icon name="save" /> Save this view
          </button>
        )
      ) : null}
    </div>
  );
}
