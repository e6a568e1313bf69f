// The code editor itself: one chunk with the core of CodeMirror, loaded by CodeEditor. It lives in a shadow
// root: there its styles are constructed sheets, which the content security policy allows, and not <style>
// elements, which it blocks. Colors, brackets, markers, search and completion are this project's:
// CodeMirror's packages for them, with the grammars of both languages, would more than double the size.
import { history } from "@codemirror/commands";
import { Annotation, Compartment, EditorState, type Extension, Transaction } from "@codemirror/state";
import {
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { insertPath, placeAt } from "../templates/complete";
import type { Marker } from "./CodeEditor";
import { highlight } from "./highlight";
import { closing, keys } from "./keys";
import { find, markers, offset, type Search, setMarkers } from "./markers";
import { look } from "./theme";
import type { Language } from "./tokens";

/** A place where something can be completed: what is typed of it, and where the caret is on the screen. */
export interface Completing {
  query: string;
  left: number;
  top: number;
  bottom: number;
}

export interface Settings {
  language: Language;
  value: string;
  label: string;
  readOnly: boolean;
  onValue: (value: string) => void;
  /** Called with the place at the caret as it is typed at, or without one. asked: by a key. */
  onPlace: (place: Completing | undefined, asked: boolean) => void;
  /** Reports whether a key was taken by what is open beside the editor. */
  onKey: (e: KeyboardEvent) => boolean;
  onSearch: () => void;
}

export interface Handle {
  /** Replaces the text, if it is another. That is no change of onValue. */
  setValue: (value: string) => void;
  setMarkers: (markers: readonly Marker[]) => void;
  setReadOnly: (readOnly: boolean) => void;
  show: (line: number, column?: number) => void;
  /** Puts a path where the caret is. */
  complete: (path: string) => void;
  find: (text: string, step: 1 | 0 | -1) => Search;
  selected: () => string;
  /** Puts the focus into the editor and, with places, the selection. */
  focus: (from?: number, to?: number) => void;
  destroy: () => void;
}

const maxTold = 200;

/** Marks a change that came from outside. */
const outside = Annotation.define<boolean>();

/** Makes an editor in host. */
export function create(host: HTMLElement, settings: Settings): Handle {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const { language } = settings;
  const writable = new Compartment();
  // What onValue was told and setValue has not brought back yet: it comes late when people type fast, and
  // must not undo what they have typed since.
  const told: string[] = [];
  const readOnlyIs = (is: boolean): Extension => [
    EditorState.readOnly.of(is),
    EditorView.contentAttributes.of({ "aria-readonly": String(is) }),
  ];
  const view = new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: settings.value,
      extensions: [
        EditorView.domEventHandlers({
          keydown: (e) => {
            if (settings.onKey(e)) {
              e.preventDefault();
              return true;
            }
            if (e.key === " " && e.ctrlKey) {
              tell(true);
              e.preventDefault();
              return true;
            }
            return false;
          },
          blur: () => {
            settings.onPlace(undefined, false);
          },
        }),
        lineNumbers(),
        history(),
        highlightSpecialChars(),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        markers,
        EditorState.tabSize.of(2),
        highlight(language),
        look,
        closing,
        typing,
        leaving,
        EditorView.contentAttributes.of({
          "aria-label": settings.label,
          "aria-multiline": "true",
          tabindex: "0",
        }),
        keymap.of([
          {
            key: "Mod-f",
            run: () => {
              settings.onSearch();
              return true;
            },
          },
          ...keys(language),
        ]),
        EditorView.updateListener.of((u) => {
          if (u.docChanged && !u.transactions.some((t) => t.annotation(outside))) {
            const text = u.state.doc.toString();
            told.push(text);
            if (told.length > maxTold) told.shift();
            settings.onValue(text);
          }
          if (u.transactions.some((t) => t.isUserEvent("input.type") || t.isUserEvent("delete.backward")))
            tell(false);
          else if (u.docChanged || u.selectionSet) settings.onPlace(undefined, false);
        }),
        writable.of(readOnlyIs(settings.readOnly)),
      ],
    }),
  });
  /** The line of the caret, and the place to complete in it. */
  const here = () => {
    const { head } = view.state.selection.main;
    const line = view.state.doc.lineAt(head);
    const caret = head - line.from;
    const place = language === "json" ? placeAt(line.text, caret) : codePlace(line.text, caret);
    return { head, line, caret, place };
  };
  const tell = (asked: boolean) =>
    requestAnimationFrame(() => {
      // the screen shows the change by then
      const { head, place } = here();
      const at = place || asked ? view.coordsAtPos(head) : null;
      settings.onPlace(
        at
          ? {
              query: language === "json" ? (place?.query ?? "").replaceAll('\\"', '"') : (place?.query ?? ""),
              left: at.left,
              top: at.top,
              bottom: at.bottom,
            }
          : undefined,
        asked,
      );
    });
  return {
    setValue: (value) => {
      const echo = told.lastIndexOf(value);
      told.splice(0, echo < 0 ? told.length : echo + 1);
      if (echo >= 0) return;
      const now = view.state.doc.toString();
      if (now === value) return;
      view.dispatch({
        changes: difference(now, value),
        annotations: [outside.of(true), Transaction.addToHistory.of(false)],
      });
    },
    setMarkers: (list) => view.dispatch({ effects: setMarkers.of(list) }),
    setReadOnly: (is) => view.dispatch({ effects: writable.reconfigure(readOnlyIs(is)) }),
    show: (line, column) => {
      const at = offset(view.state.doc, line, column);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    complete: (path) => {
      const { line, caret, place } = here();
      const put =
        language === "json"
          ? insertPath(line.text, caret, JSON.stringify(path).slice(1, -1))
          : {
              text: line.text.slice(0, place?.from ?? caret) + codePath(path) + line.text.slice(caret),
              caret: (place?.from ?? caret) + codePath(path).length,
            };
      view.dispatch({
        changes: { from: line.from, to: line.to, insert: put.text },
        selection: { anchor: line.from + put.caret },
        annotations: Transaction.userEvent.of("input.complete"),
      });
      view.focus();
      settings.onPlace(undefined, false);
    },
    find: (text, step) => find(view, text, step),
    selected: () =>
      view.state.sliceDoc(
        view.state.selection.main.from,
        Math.min(view.state.selection.main.to, view.state.selection.main.from + 200),
      ),
    focus: (from, to = from) => {
      const most = view.state.doc.length;
      if (from !== undefined)
        view.dispatch({
          selection: { anchor: Math.min(from, most), head: Math.min(to!, most) },
          scrollIntoView: true,
        });
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}

/** How long Tab leaves the editor after Escape, in milliseconds. CodeMirror gives two seconds, which hurries. */
const leaveWithin = 60_000;
const leaving = EditorView.domEventHandlers({
  keyup: (e, view) => {
    if (e.key === "Escape") view.setTabFocusMode(leaveWithin);
  },
});

/**
 * Replaces selected text by what is typed. The browser would do it too, but keep the selected text's colors
 * in a style attribute, which the content security policy blocks and reports.
 */
const typing = EditorView.domEventHandlers({
  beforeinput: (e, view) => {
    const { from, to, empty } = view.state.selection.main;
    const text = e.data;
    if (e.inputType !== "insertText" || text === null || empty || view.composing || view.state.readOnly)
      return false;
    const insert = () =>
      view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, text, insert)))
      view.dispatch(insert());
    return true;
  },
});

/** The one change that makes b of a: what both begin and end with stays, and so does the caret. */
function difference(a: string, b: string): { from: number; to: number; insert: string } {
  const most = Math.min(a.length, b.length);
  let from = 0;
  while (from < most && a[from] === b[from]) from++;
  let tail = 0;
  while (tail < most - from && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { from, to: a.length - tail, insert: b.slice(from, b.length - tail) };
}

/** The path that stands before the caret in code, from its root on. */
function codePlace(line: string, caret: number): { query: string; from: number } | undefined {
  const query = /(?<![\w$.])(?:trigger|steps|global|item|execution|workflow)(?:[.[][\w$.[\]"-]*)$/.exec(
    line.slice(0, caret),
  )?.[0];
  return query === undefined ? undefined : { query, from: caret - query.length };
}

/** A path as code: a key that is no name needs brackets there. */
const codePath = (path: string): string =>
  path.replace(/\.([^.[\]]*[^\w$.[\]][^.[\]]*)/g, (_, key: string) => `[${JSON.stringify(key)}]`);
