// Dialogs on the browser's own <dialog>: it keeps the focus inside and gives it back.
import { type ReactNode, useEffect, useId, useRef } from "react";
import { Close } from "./Close";

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
          <Close label="Close" onClose={onClose} />
        </div>
        {children}
      </div>
    </dialog>
  );
}
