// One of a few, as buttons that hang together.
import { Icon, type IconName } from "./Icon";

export function Choice<const T extends string>({
  label,
  options,
  chosen,
  onChoose,
}: {
  label: string;
  options: readonly { id: T; name: string; icon?: IconName }[];
  chosen: T;
  onChoose: (id: T) => void;
}) {
  return (
    <div className="choice" role="group" aria-label={label}>
      {options.map((one) => (
        <button
          key={one.id}
          type="button"
          aria-pressed={one.id === chosen}
          onClick={() => onChoose(one.id)}
        >
          {one.icon ? <Icon name={one.icon} /> : null}
          {one.name}
        </button>
      ))}
    </div>
  );
}
