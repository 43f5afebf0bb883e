// The cross at the end of a head that takes away what is below it.
import { Icon } from "./Icon";

export function Close({ label, onClose }: { label: string; onClose: () => void }) {
  return (
    <button type="button" className="button bare small push" aria-label={label} onClick={onClose}>
      <Icon name="close" />
    </button>
  );
}
