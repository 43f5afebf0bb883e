// Documents are a large part of the page's code, so they come when the first one is shown.
import { lazy, Suspense } from "react";
import { Loading } from "../parts/Notice";
import type { CodeProps } from "./Code";
import type { DiffProps } from "./Diff";
import "./code.css";

const RealCode = lazy(() => import("./Code").then((found) => ({ default: found.Code })));
const RealDiff = lazy(() => import("./Diff").then((found) => ({ default: found.Diff })));

export function Code(props: CodeProps) {
  return (
    <Suspense fallback={<Loading />}>
      <RealCode {...props} />
    </Suspense>
  );
}

export function Diff(props: DiffProps) {
  return (
    <Suspense fallback={<Loading />}>
      <RealDiff {...props} />
    </Suspense>
  );
}
