// Find and do, from anywhere: screens, workflows, runs by id or business key, and settings.
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { useDeferredValue, useEffect, useRef, useState } from "react";
import { calls } from "../api/calls";
import { Icon, type IconName } from "../parts/Icon";
import { Status } from "../parts/Mark";
import { nextTheme, nextTime, prefer, usePreferences } from "./preferences";
import { ALL_PLACES } from "./Shell";
import "../design/palette.css";

export function Palette({ onClose }: { onClose: () => void }) {
  const own = useRef<HTMLDialogElement>(null);
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const sought = useDeferredValue(text.trim());
  const { theme, time } = usePreferences();
  const workflows = useQuery({ queryKey: ["workflows"], queryFn: calls.workflows });
  const runs = useQuery({
    queryKey: ["runs", "palette", sought],
    queryFn: () => calls.runs({ q: sought, limit: 6 }),
    enabled: sought.length >= 3,
    retry: false,
  });
  useEffect(() => {
    const dialog = own.current;
    if (!dialog || dialog.open) return;
    dialog.showModal();
    dialog.querySelector("input")?.focus();
  }, []);
  const act = (what: () => void) => () => {
    onClose();
    what();
  };
  return (
    <dialog
      ref={own}
      className="palette"
      aria-label="Find and do"
      onClose={onClose}
      onCancel={onClose}
    >
      <Command label="Find and do" loop>
        <Command.Input
          value={text}
          onValueChange={setText}
          placeholder="A screen, a workflow, a run or its business key…"
        />
        <Command.List label="Found">
          <Command.Empty>Nothing by that name.</Command.Empty>
          {runs.data?.items.length ? (
            <Command.Group heading="Runs">
              {runs.data.items.map((run) => (
                <Command.Item
                  key={run.id}
                  value={`${sought} ${run.id}`}
                  onSelect={act(() => void navigate({ to: "/runs/$run", params: { run: run.id } }))}
                >
                  <Status of={run.status} plain />
                  <span className="mono">{run.id}</span>
                  <span className="faint push">{run.workflow}</span>
                </Command.Item>
              ))}
            </Command.Group>
          ) : null}
          <Command.Group heading="Go to">
            {ALL_PLACES.map((place) => (
              <Item
                key={place.to}
                icon={place.icon}
                name={place.name}
                keys={place.key}
                onSelect={act(() => void navigate({ to: place.to }))}
              />
            ))}
          </Command.Group>
          {workflows.data?.items.length ? (
            <Command.Group heading="Workflows">
              {workflows.data.items.map((one) => (
                <Item
                  key={one.name}
                  icon="workflow"
                  name={one.name}
                  more={one.title}
                  onSelect={act(() => {
                    const [namespace = "", name = ""] = one.name.split("/");
                    void navigate({
                      to: "/workflows/$namespace/$name",
                      params: { namespace, name },
                    });
                  })}
                />
              ))}
            </Command.Group>
          ) : null}
          <Command.Group heading="Do">
            <Item
              icon="runs"
              name="Show what has faulted"
              onSelect={act(() => void navigate({ to: "/runs", search: { status: "faulted" } }))}
            />
            <Item
              icon={theme === "dark" ? "sun" : "moon"}
              name={`Theme: ${nextTheme[theme]}`}
              keys="T"
              onSelect={act(() => prefer({ theme: nextTheme[theme] }))}
            />
            <Item
              icon="trigger"
              name={`Times: ${nextTime[time]}`}
              keys="U"
              onSelect={act(() => prefer({ time: nextTime[time] }))}
            />
          </Command.Group>
        </Command.List>
      </Command>
    </dialog>
  );
}

function Item({
  icon,
  name,
  more,
  keys,
  onSelect,
}: {
  icon: IconName;
  name: string;
  more?: string;
  keys?: string;
  onSelect: () => void;
}) {
  return (
    <Command.Item value={`${name} ${more ?? ""}`} onSelect={onSelect}>
      <Icon name={icon} />
      <span>{name}</span>
      {more ? <span className="faint cut">{more}</span> : null}
      {keys ? (
        <span className="push row">
          {keys.split(" ").map((key) => (
            <kbd key={key}>{key}</kbd>
          ))}
        </span>
      ) : null}
    </Command.Item>
  );
}
