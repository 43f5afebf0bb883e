// What was asked of the server: on its way, refused, or there. What is there stays in sight while a
// newer answer does not come.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Loading, Trouble } from "./Notice";

export function Asked<T>({
  of,
  rows,
  children,
}: {
  of: UseQueryResult<T>;
  /** How many lines hold its place until it is there. */
  rows?: number;
  children: (data: T) => ReactNode;
}) {
  if (of.data !== undefined) return children(of.data);
  if (!of.error) return <Loading {...(rows ? { rows } : {})} />;
  return (
    <div className="inside">
      <Trouble error={of.error} retry={() => void of.refetch()} />
    </div>
  );
}
