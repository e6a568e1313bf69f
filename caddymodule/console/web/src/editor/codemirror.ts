// The code editor itself: one chunk with all of CodeMirror, loaded by CodeEditor. It lives in a shadow root: there its styles
// are constructed sheets, which the content security policy allows, and not <style> elements, which it blocks.
import { autocompletion, type CompletionContext, completionKeymap, type CompletionResult } from "@codemirror/autocomplete";
import { history, historyKeymap, indentWithTab, insertNewlineKeepIndent, standardKeymap } from "@codemirror/commands";
import { Annotation, Compartment, EditorState, type Extension, Transaction } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { insertPath, placeAt, type Suggestion } from "../templates/complete";
import type { Marker } from "./CodeEditor";
import { findKeys, finding } from "./find";
import { highlight } from "./highlight";
import { marks, offset, setMarks } from "./marks";

export type Completer = (query: string) => readonly Suggestion[];

export interface Settings {
  language: "json" | "javascript";
  value: string;
  label: string;
  readOnly: boolean;
  onValue: (value: string) => void;
  complete: Completer;
}

export interface Handle {
  /** Replaces the text, if it is another. That is no change of onValue. */
  setValue: (value: string) => void;
  setMarkers: (markers: readonly Marker[]) => void;
  setReadOnly: (readOnly: boolean) => void;
  show: (line: number, column?: number) => void;
  destroy: () => void;
}

/** Marks a change that came from outside. */
const outside = Annotation.define<boolean>();

/** Makes an editor in host. */
export function create(host: HTMLElement, settings: Settings): Handle {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const writable = new Compartment();
  const readOnlyIs = (is: boolean): Extension => [EditorState.readOnly.of(is), EditorView.contentAttributes.of({ "aria-readonly": String(is) })];
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: settings.value,
      extensions: [
        lineNumbers(), history(), drawSelection(), highlightSpecialChars(), highlightActiveLine(), EditorState.tabSize.of(2),
        marks, finding, highlight(settings.language), look,
        autocompletion({ override: [(c) => (settings.language === "json" ? completeJson : completeCode)(c, settings.complete)], icons: false }),
        EditorView.contentAttributes.of({ "aria-label": settings.label, "aria-multiline": "true" }),
        keymap.of([
          ...completionKeymap, ...findKeys, { key: "Enter", run: insertNewlineKeepIndent }, ...standardKeymap, ...historyKeymap, indentWithTab,
        ]),
        EditorView.updateListener.of((u) => {
          if (u.docChanged && !u.transactions.some((t) => t.annotation(outside))) settings.onValue(u.state.doc.toString());
        }),
        writable.of(readOnlyIs(settings.readOnly)),
      ],
    }),
  });
  return {
    setValue: (value) => {
      const now = view.state.doc.toString();
      if (now === value) return;
      view.dispatch({ changes: difference(now, value), annotations: [outside.of(true), Transaction.addToHistory.of(false)] });
    },
    setMarkers: (markers) => view.dispatch({ effects: setMarks.of(markers) }),
    setReadOnly: (is) => view.dispatch({ effects: writable.reconfigure(readOnlyIs(is)) }),
    show: (line, column) => {
      const at = offset(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** The one change that makes b of a: what both begin and end with stays, and so does the caret. */
function difference(a: string, b: string): { from: number; to: number; insert: string } {
  const most = Math.min(a.length, b.length);
  let from = 0;
  while (from < most && a[from] === b[from]) from++;
  let tail = 0;
  while (tail < most - from && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { from, to: a.length - tail, insert: b.slice(from, b.length - tail) };
}

/** Completes the path of a template within a JSON string. */
function completeJson(c: CompletionContext, complete: Completer): CompletionResult | null {
  const line = c.state.doc.lineAt(c.pos);
  const caret = c.pos - line.from;
  const place = placeAt(line.text, caret);
  if (!place) return null;
  return {
    from: line.from + place.from,
    to: c.pos,
    filter: false,
    options: complete(unquoted(place.query)).map((s) => ({
      label: s.path,
      detail: s.about,
      apply: (view: EditorView) => {
        const now = view.state.doc.lineAt(view.state.selection.main.head);
        const put = insertPath(now.text, view.state.selection.main.head - now.from, JSON.stringify(s.path).slice(1, -1));
        view.dispatch({ changes: { from: now.from, to: now.to, insert: put.text }, selection: { anchor: now.from + put.caret }, userEvent: "input.complete" });
      },
    })),
  };
}

const unquoted = (s: string): string => s.replaceAll('\\"', '"');

/** Completes paths such as trigger.data.total in code: those are names of JavaScript, too. */
function completeCode(c: CompletionContext, complete: Completer): CompletionResult | null {
  const before = c.matchBefore(/(?:trigger|steps|global|item|execution|workflow|input)[\w$.[\]"-]*$|\w+$/);
  if (!before || (before.from === before.to && !c.explicit)) return null;
  if (!c.explicit && before.text.length < 2) return null;
  const options = complete(before.text).filter((s) => s.path.startsWith(before.text));
  return options.length ? { from: before.from, filter: false, options: options.map((s) => ({ label: codePath(s.path), detail: s.about })) } : null;
}

/** A path as code: a key with a hyphen needs brackets there. */
const codePath = (path: string): string => path.replace(/\.([^.[\]]*[^\w$.[\]][^.[\]]*)/g, (_, key: string) => `[${JSON.stringify(key)}]`);

const look = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--text)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" }, // the box around it shows the focus
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", overflow: "auto" },
  ".cm-content": { padding: "5px 0", caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--muted)", border: "0", borderRight: "1px solid var(--border)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 35%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": {
    backgroundColor: "var(--code-selection) !important",
  },
  ".tok-key, .tok-call": { color: "var(--code-key)" },
  ".tok-string": { color: "var(--code-string)" },
  ".tok-number": { color: "var(--code-number)" },
  ".tok-word": { color: "var(--code-word)" },
  ".tok-comment": { color: "var(--muted)", fontStyle: "italic" },
  ".tok-invalid": { color: "var(--bad)" },
  ".tok-template": { color: "var(--accent)", backgroundColor: "var(--accent-soft)", borderRadius: "3px" },
  ".problem-line": { boxShadow: "inset 3px 0 var(--bad)" },
  ".problem-line.warn": { boxShadow: "inset 3px 0 var(--warn)" },
  ".problem": { textDecoration: "underline wavy var(--bad) 1px", textUnderlineOffset: "3px" },
  ".problem.warn": { textDecorationColor: "var(--warn)" },
  ".found": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--border)", borderRadius: "6px", boxShadow: "var(--shadow-high)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "260px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 10px", display: "flex", gap: "16px", justifyContent: "space-between" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderBottom: "1px solid var(--border) !important", zIndex: "2" },
  ".find": { padding: "6px 8px", display: "flex", flexWrap: "wrap", gap: "6px", alignItems: "center", fontSize: "13px" },
  ".find span": { minWidth: "72px", color: "var(--muted)" },
  ".find input": { flex: "1 1 140px", minWidth: "0", padding: "4px 8px", minHeight: "30px", font: "inherit", border: "1px solid var(--border-strong)", borderRadius: "4px", backgroundColor: "var(--surface)", color: "var(--text)" },
  ".find button": { width: "30px", height: "30px", padding: "0", font: "inherit", border: "1px solid var(--border-strong)", borderRadius: "4px", backgroundColor: "var(--surface)", color: "var(--text)", cursor: "pointer" },
  ".find :focus-visible": { outline: "2px solid var(--focus)", outlineOffset: "1px" },
});
