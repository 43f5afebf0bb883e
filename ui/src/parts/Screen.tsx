// What every screen has: a title in the tab and at the top, actions beside it, then its body.
import { type ReactNode, useEffect } from "react";

export function Screen({
  title,
  heading,
  trail,
  actions,
  tabs,
  children,
}: {
  title: string;
  heading?: ReactNode;
  trail?: ReactNode;
  actions?: ReactNode;
  tabs?: ReactNode;
  children: ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Batuta`;
  }, [title]);
  return (
    <>
      <header className="head">
        {trail ? (
          <nav className="row trail" aria-label="Above this">
            {trail}
          </nav>
        ) : null}
        <h1 className="cut">{heading ?? title}</h1>
        {actions ? <div className="actions">{actions}</div> : null}
      </header>
      {tabs}
      <div className="body">{children}</div>
    </>
  );
}
