// Tabs, by the pattern of the ARIA guide: arrows move, the chosen one is in the tab order.
import type { KeyboardEvent } from "react";

export function Tabs({
  label,
  tabs,
  chosen,
  onChoose,
}: {
  label: string;
  tabs: { id: string; name: string; count?: number }[];
  chosen: string;
  onChoose: (id: string) => void;
}) {
  const onKey = (event: KeyboardEvent<HTMLDivElement>) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!by) return;
    const at = tabs.findIndex((one) => one.id === chosen);
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    event.preventDefault();
    onChoose(next.id);
    event.currentTarget.querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div className="tabs" role="tablist" aria-label={label} onKeyDown={onKey}>
      {tabs.map((one) => (
        <button
          key={one.id}
          type="button"
          role="tab"
          data-tab={one.id}
          aria-selected={one.id === chosen}
          tabIndex={one.id === chosen ? 0 : -1}
          onClick={() => onChoose(one.id)}
        >
          {one.name}
          {one.count !== undefined ? <span className="count">{one.count}</span> : null}
        </button>
      ))}
    </div>
  );
}
