// A document to be read or edited, with what is wrong with it at its lines (CodeMirror).
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { useEffect, useRef } from "react";
import type { ProblemItem } from "../api/types";
import { rootOf, theme } from "./theme";

export interface CodeProps {
  text: string;
  language: "json" | "yaml";
  label: string;
  onChange?: (text: string) => void;
  problems?: ProblemItem[];
  /** A line to be shown and marked. */
  line?: number | null;
}

export function Code({ text, language, label, onChange, problems, line }: CodeProps) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const change = useRef(onChange);
  change.current = onChange;
  const isEdited = onChange !== undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a text that is being edited is the editor's own
  useEffect(() => {
    if (!place.current) return;
    const root = rootOf(place.current);
    const made = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          foldGutter(),
          highlightActiveLineGutter(),
          bracketMatching(),
          highlightSelectionMatches(),
          language === "json" ? json() : yaml(),
          theme,
          keymap.of([...searchKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.contentAttributes.of({ "aria-label": label }),
          isEdited
            ? [
                history(),
                indentOnInput(),
                highlightActiveLine(),
                EditorView.lineWrapping,
                EditorView.updateListener.of((update) => {
                  if (update.docChanged) change.current?.(update.state.doc.toString());
                }),
              ]
            : [EditorState.readOnly.of(true), EditorView.editable.of(false), lintGutter()],
          isEdited ? [] : EditorView.contentAttributes.of({ tabindex: "0" }),
          marked(line),
        ],
      }),
    });
    view.current = made;
    if (line && line <= made.state.doc.lines) {
      const from = made.state.doc.line(line).from;
      made.dispatch({ effects: EditorView.scrollIntoView(from, { y: "center" }) });
    }
    return () => made.destroy();
  }, [isEdited ? null : text, language, label, isEdited, line]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is made anew for these
  useEffect(() => {
    const made = view.current;
    if (made) made.dispatch(setDiagnostics(made.state, diagnostics(made.state, problems ?? [])));
  }, [problems, text, line]);
  return <div className="code" ref={place} />;
}

function marked(line: number | null | undefined) {
  if (!line) return [];
  return EditorView.decorations.compute(["doc"], (state) =>
    line <= state.doc.lines
      ? Decoration.set(Decoration.line({ class: "at" }).range(state.doc.line(line).from))
      : Decoration.none,
  );
}

function diagnostics(state: EditorState, problems: ProblemItem[]): Diagnostic[] {
  return problems.flatMap((problem): Diagnostic[] => {
    if (!problem.line || problem.line > state.doc.lines) return [];
    const line = state.doc.line(problem.line);
    const from = Math.min(line.to, line.from + Math.max(0, (problem.column ?? 1) - 1));
    return [
      {
        from,
        to: Math.max(from, line.to),
        severity: problem.severity ?? "error",
        message: [problem.message, problem.hint].filter(Boolean).join("\n"),
        source: problem.code,
      },
    ];
  });
}
