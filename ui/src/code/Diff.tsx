// Two texts compared, one beside the other or one in the other (CodeMirror).
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { rootOf, theme } from "./theme";

export interface DiffProps {
  before: string;
  after: string;
  language: "json" | "yaml";
  label: string;
  beside?: boolean;
}

const FOLD = { margin: 3, minSize: 8 };

export function Diff({ before, after, language, label, beside }: DiffProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const root = rootOf(place.current);
    const extensions = [
      lineNumbers(),
      language === "json" ? json() : yaml(),
      theme,
      EditorState.readOnly.of(true),
      EditorView.editable.of(false),
      EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0" }),
    ];
    const made = beside
      ? new MergeView({
          parent: root,
          root,
          a: { doc: before, extensions },
          b: { doc: after, extensions },
          collapseUnchanged: FOLD,
          gutter: true,
        })
      : new EditorView({
          parent: root,
          root,
          doc: after,
          extensions: [
            extensions,
            unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: FOLD }),
          ],
        });
    return () => made.destroy();
  }, [before, after, language, label, beside]);
  return <div className="code diff" ref={place} />;
}
