// Shown where a screen cannot be: its code is not to be had, or it has a bug.
import { useQueryClient } from "@tanstack/react-query";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { Icon } from "../parts/Icon";
import { Notice } from "../parts/Notice";
import { Screen } from "../parts/Screen";

export function Broken({ error, reset }: ErrorComponentProps) {
  const client = useQueryClient();
  return (
    <Screen title="This screen cannot be shown">
      <div role="alert">
        <Notice tone="bad">
          <b>{error instanceof Error ? error.message : String(error)}</b>
          <span className="quiet">
            The server may be away, or have another version of the page by now.
          </span>
          <span className="row">
            <button
              type="button"
              className="button small"
              onClick={() => {
                void client.invalidateQueries();
                reset();
              }}
            >
              <Icon name="retry" /> Try again
            </button>
            <button type="button" className="button small" onClick={() => location.reload()}>
              Load the page anew
            </button>
          </span>
        </Notice>
      </div>
    </Screen>
  );
}
