// Asks again, in production, before what cannot be undone.
import { type ReactNode, useState } from "react";
import { useSession } from "../app/session";

/** Whether it may be done, and what has to stand before the button that does it. */
export function useSure(): { isSure: boolean; question: ReactNode } {
  const { production } = useSession();
  const [isMeant, setMeant] = useState(false);
  if (!production) return { isSure: true, question: null };
  return {
    isSure: isMeant,
    question: (
      <label className="tick">
        <input
          type="checkbox"
          checked={isMeant}
          onChange={(event) => setMeant(event.target.checked)}
        />
        This is production, and it is meant
      </label>
    ),
  };
}
