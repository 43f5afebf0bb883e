// The sheet of all keys that do something on the screen that is open.
import { Dialog } from "../parts/Dialog";
import { useKnownKeys } from "./keys";

export function KeySheet({ onClose }: { onClose: () => void }) {
  const keys = useKnownKeys();
  const groups = [...new Set(keys.map((one) => one.group))].reverse();
  return (
    <Dialog title="Keys" onClose={onClose}>
      <div className="sheets">
        {groups.map((group) => (
          <section key={group} className="stack tight">
            <h3>{group}</h3>
            <dl className="keys">
              {keys
                .filter((one) => one.group === group)
                .map((one) => (
                  <div className="row" key={one.key}>
                    <dt>
                      {one.key.split(" ").map((part) => (
                        <kbd key={part}>{part === "Enter" ? "↵" : part}</kbd>
                      ))}
                    </dt>
                    <dd className="quiet">{one.what}</dd>
                  </div>
                ))}
              {group === "Anywhere" ? (
                <div className="row">
                  <dt>
                    <kbd>Ctrl</kbd>
                    <kbd>K</kbd>
                  </dt>
                  <dd className="quiet">find and do</dd>
                </div>
              ) : null}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
