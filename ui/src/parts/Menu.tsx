// A button with a sheet of choices below it; Escape and a click elsewhere close it.
import { type ReactNode, useEffect, useRef, useState } from "react";
import { Icon, type IconName } from "./Icon";

export function Menu({
  label,
  icon,
  side = "right",
  bare,
  children,
}: {
  label: string;
  icon?: IconName;
  side?: "left" | "right";
  bare?: boolean;
  children: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  const own = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const onPress = (event: PointerEvent) => {
      if (!own.current?.contains(event.target as Node)) setOpen(false);
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", onPress);
    document.addEventListener("keydown", onKey, true);
    return () => {
      document.removeEventListener("pointerdown", onPress);
      document.removeEventListener("keydown", onKey, true);
    };
  }, [open]);
  return (
    <div className={`menu ${side}`} ref={own}>
      <button
        ref={button}
        type="button"
        className={bare ? "button bare" : "button"}
        aria-expanded={open}
        aria-haspopup="true"
        onClick={() => setOpen(!open)}
      >
        {icon ? <Icon name={icon} /> : null}
        {label}
        <Icon name="down" />
      </button>
      {open ? <div className="sheet">{children(() => setOpen(false))}</div> : null}
    </div>
  );
}
