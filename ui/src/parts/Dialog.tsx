// Dialogs on the browser's own <dialog>: it keeps the focus inside and gives it back.
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Icon } from "./Icon";

export function Dialog({
  title,
  onClose,
  children,
  wide,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
}) {
  const own = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = own.current;
    if (dialog && !dialog.open) dialog.showModal();
  }, []);
  return (
    <dialog
      ref={own}
      className={wide ? "wide" : ""}
      aria-labelledby={id}
      onClose={onClose}
      onCancel={onClose}
    >
      <div className="inside">
        <div className="row">
          <h2 id={id}>{title}</h2>
          <button
            type="button"
            className="button bare small push"
            aria-label="Close"
            onClick={onClose}
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}
