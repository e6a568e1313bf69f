// The code editor itself: one chunk with all of CodeMirror, loaded by CodeEditor. It lives in a shadow root: there its styles
// are constructed sheets, which the content security policy allows, and not <style> elements, which it blocks.
import { autocompletion, closeBrackets, closeBracketsKeymap, type CompletionContext, completionKeymap, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascriptLanguage } from "@codemirror/lang-javascript";
import { jsonLanguage } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Annotation, Compartment, EditorState, type Extension, type Text, Transaction } from "@codemirror/state";
import {
  Decoration, type DecorationSet, drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers, MatchDecorator,
  ViewPlugin, type ViewUpdate,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { insertPath, placeAt, type Suggestion } from "../templates/complete";
import type { Marker } from "./CodeEditor";

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
        lineNumbers(), foldGutter(), history(), drawSelection(), highlightSpecialChars(), indentOnInput(), bracketMatching(), closeBrackets(),
        highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), lintGutter(), EditorState.tabSize.of(2),
        settings.language === "json" ? [jsonLanguage, templates, autocompletion({ override: [(c) => completeJson(c, settings.complete)], icons: false })]
          : [javascriptLanguage, autocompletion({ override: [(c) => completeCode(c, settings.complete)], icons: false })],
        syntaxHighlighting(colors), look,
        EditorView.contentAttributes.of({ "aria-label": settings.label, "aria-multiline": "true" }),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, ...lintKeymap, indentWithTab]),
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
    setMarkers: (markers) => view.dispatch(setDiagnostics(view.state, markers.map((m) => diagnostic(view.state.doc, m)))),
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

/** The offset of a line and a column in code points, both from 1. */
function offset(doc: Text, line: number, column = 1): number {
  const l = doc.line(Math.min(Math.max(1, line), doc.lines));
  let at = l.from;
  for (const c of [...l.text].slice(0, column - 1)) at += c.length;
  return Math.min(at, l.to);
}

function diagnostic(doc: Text, m: Marker): Diagnostic {
  const from = offset(doc, m.line, m.column);
  const line = doc.lineAt(from);
  const word = /^(?:"(?:[^"\\]|\\.)*"|[\w$-]+|.)/u.exec(line.text.slice(from - line.from))?.[0] ?? "";
  const start = m.column === undefined ? from + (/^\s*/.exec(line.text)?.[0].length ?? 0) : from;
  return { from: Math.min(start, line.to), to: m.column === undefined ? line.to : from + word.length, severity: m.tone === "warn" ? "warning" : "error", message: m.message };
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

/** Marks templates within JSON strings. */
const matcher = new MatchDecorator({ regexp: /(?<!\\)\{\{[^{}\n]*\}\}/g, decoration: Decoration.mark({ class: "cm-template" }) });
const templates = ViewPlugin.fromClass(class {
  marks: DecorationSet;
  constructor(view: EditorView) { this.marks = matcher.createDeco(view); }
  update(u: ViewUpdate) { this.marks = matcher.updateDeco(u, this.marks); }
}, { decorations: (plugin) => plugin.marks });

const colors = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--code-key)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword, tags.controlKeyword, tags.definitionKeyword, tags.moduleKeyword], color: "var(--code-word)" },
  { tag: [tags.comment, tags.lineComment, tags.blockComment], color: "var(--muted)", fontStyle: "italic" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], color: "var(--code-call)" },
  { tag: tags.invalid, color: "var(--bad)" },
]);

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
  ".cm-selectionMatch, .cm-searchMatch": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--code-selection)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  // Of a long text only a part is parsed at first: brackets without a match are no mistake.
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "transparent" },
  ".cm-template, .cm-template *": { color: "var(--accent)" },
  ".cm-template": { backgroundColor: "var(--accent-soft)", borderRadius: "3px" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--sunken)", border: "1px solid var(--border)", color: "var(--muted)", padding: "0 6px" },
  ".cm-foldGutter .cm-gutterElement": { cursor: "pointer" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--border)", borderRadius: "6px", boxShadow: "var(--shadow-high)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "260px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "4px 10px", display: "flex", gap: "16px", justifyContent: "space-between" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", overflow: "hidden", textOverflow: "ellipsis" },
  ".cm-diagnostic": { padding: "4px 10px", whiteSpace: "pre-wrap", maxWidth: "60ch" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-lintRange-error": { backgroundImage: "none", textDecoration: "underline wavy var(--bad) 1px", textUnderlineOffset: "3px" },
  ".cm-lintRange-warning": { backgroundImage: "none", textDecoration: "underline wavy var(--warn) 1px", textUnderlineOffset: "3px" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)", borderBottom: "1px solid var(--border) !important", zIndex: "2" },
  ".cm-panel.cm-search": { padding: "8px 32px 8px 8px", display: "flex", flexWrap: "wrap", gap: "6px", alignItems: "center" },
  ".cm-panel.cm-search br": { display: "none" },
  ".cm-panel.cm-search label": { display: "inline-flex", alignItems: "center", gap: "4px", margin: "0", minHeight: "30px", fontSize: "13px" },
  ".cm-panel.cm-search input[type=checkbox]": { margin: "0", accentColor: "var(--accent)" },
  ".cm-panel :focus-visible": { outline: "2px solid var(--focus)", outlineOffset: "1px" },
  ".cm-panel.cm-search [name=close]": { fontSize: "18px", width: "28px", height: "28px", color: "var(--text)" },
  ".cm-textfield": { margin: "0", padding: "4px 8px", minHeight: "30px", fontSize: "13px", border: "1px solid var(--border-strong)", borderRadius: "4px", backgroundColor: "var(--surface)", color: "var(--text)" },
  ".cm-button": { margin: "0", padding: "4px 10px", minHeight: "30px", fontSize: "13px", border: "1px solid var(--border-strong)", borderRadius: "4px", backgroundColor: "var(--surface)", backgroundImage: "none", color: "var(--text)", cursor: "pointer" },
});
