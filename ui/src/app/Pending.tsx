// Shown while the code of a screen is on its way.
import { Loading } from "../parts/Notice";
import { Screen } from "../parts/Screen";

export function Pending() {
  return (
    <Screen title="Loading">
      <Loading />
    </Screen>
  );
}
