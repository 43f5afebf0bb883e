// Shown where an address leads nowhere.
import { Link } from "@tanstack/react-router";
import { Empty } from "../parts/Notice";
import { Screen } from "../parts/Screen";

export function Missing() {
  return (
    <Screen title="Nothing here">
      <Empty icon="question" title="There is no such screen">
        Press <kbd>?</kbd> for the keys, or go to <Link to="/runs">the runs</Link>.
      </Empty>
    </Screen>
  );
}
