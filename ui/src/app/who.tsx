// Which colour a participant has: by its place among all that are known, the same on every screen.
import { useQuery } from "@tanstack/react-query";
import { createContext, type ReactNode, useCallback, useContext, useMemo } from "react";
import { calls } from "../api/calls";

export const COLOURS = 8;

type Index = (name: string | null | undefined) => number;

const Known = createContext<Index>(spread);

/** A place by the letters alone, for who is not on the list. */
export function spread(name: string | null | undefined): number {
  let sum = 0;
  for (const letter of name ?? "") sum = (sum * 31 + letter.charCodeAt(0)) % 9_973;
  return sum % COLOURS;
}

export function Colours({ children }: { children: ReactNode }) {
  const { data } = useQuery({ queryKey: ["workflows"], queryFn: calls.workflows });
  const places = useMemo(() => {
    const names = new Set(data?.items.flatMap((one) => one.participants) ?? []);
    return new Map([...names].sort().map((name, at) => [name, at % COLOURS]));
  }, [data]);
  const index = useCallback<Index>((name) => places.get(name ?? "") ?? spread(name), [places]);
  return <Known value={index}>{children}</Known>;
}

export function useWho(): Index {
  return useContext(Known);
}
