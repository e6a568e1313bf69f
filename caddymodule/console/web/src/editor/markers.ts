// Problems at their lines, and the places that a search has found.
import {
  EditorSelection,
  type Extension,
  RangeSet,
  StateEffect,
  StateField,
  type Text,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  gutter,
  GutterMarker,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import type { Marker } from "./CodeEditor";

/** The offset of a line and a column in code points, both from 1. */
export function offset(doc: Text, line: number, column = 1): number {
  const l = doc.line(Math.min(Math.max(1, line), doc.lines));
  let at = l.from;
  for (const c of [...l.text.slice(0, 2 * column)].slice(0, column - 1)) at += c.length;
  return Math.min(at, l.to);
}

class Sign extends GutterMarker {
  constructor(
    private readonly tone: "bad" | "warn",
    private readonly message: string,
  ) {
    super();
  }
  override eq(other: Sign): boolean {
    return other.tone === this.tone && other.message === this.message;
  }
  override toDOM(): Node {
    const sign = document.createElement("span");
    sign.className = `sign ${this.tone}`;
    sign.textContent = this.tone === "bad" ? "×" : "!";
    sign.title = this.message;
    return sign;
  }
}

interface Marks {
  lines: DecorationSet;
  signs: RangeSet<Sign>;
}

export const setMarkers = StateEffect.define<readonly Marker[]>();

const field = StateField.define<Marks>({
  create: () => ({ lines: Decoration.none, signs: RangeSet.empty }),
  update(marks, tr) {
    let next = tr.docChanged
      ? { lines: marks.lines.map(tr.changes), signs: marks.signs.map(tr.changes) }
      : marks;
    for (const e of tr.effects) if (e.is(setMarkers)) next = marksOf(tr.newDoc, e.value);
    return next;
  },
  provide: (f) => EditorView.decorations.from(f, (m) => m.lines),
});

/** The most problems that are marked. */
const maxMarkers = 200;

function marksOf(doc: Text, markers: readonly Marker[]): Marks {
  const lines = [];
  const signs = new Map<number, { tone: "bad" | "warn"; messages: string[] }>();
  for (const m of markers.slice(0, maxMarkers)) {
    const tone = m.tone ?? "bad";
    const at = offset(doc, m.line, m.column);
    const line = doc.lineAt(at);
    const sign = signs.get(line.from) ?? { tone, messages: [] };
    signs.set(line.from, {
      tone: tone === "bad" ? "bad" : sign.tone,
      messages: [...sign.messages, m.message],
    });
    const word =
      /^(?:"(?:[^"\\]|\\.)*"|[\w$-]+|.)/u.exec(line.text.slice(at - line.from, at - line.from + 200))?.[0] ??
      "";
    const from = m.column === undefined ? line.from + (/^\s*/.exec(line.text)?.[0].length ?? 0) : at;
    const to = m.column === undefined ? line.to : at + word.length;
    if (to > from)
      lines.push(
        Decoration.mark({ class: `problem ${tone}`, attributes: { title: m.message } }).range(from, to),
      );
  }
  return {
    lines: Decoration.set(lines, true),
    signs: RangeSet.of(
      [...signs].map(([at, s]) => new Sign(s.tone, s.messages.join("\n")).range(at)),
      true,
    ),
  };
}

/** What is searched for: not empty, without regard to case. */
const setQuery = StateEffect.define<string>();
const query = StateField.define<string>({
  create: () => "",
  update: (q, tr) => tr.effects.reduce((now, e) => (e.is(setQuery) ? e.value : now), q),
});

const found = Decoration.mark({ class: "found" });
const foundHere = Decoration.mark({ class: "found here" });
/** How many places are counted. */
const maxFound = 5000;

function places(doc: Text, text: string): number[] {
  if (text === "") return [];
  const all = doc.toString().toLowerCase();
  const wanted = text.toLowerCase();
  const out: number[] = [];
  for (
    let at = all.indexOf(wanted);
    at >= 0 && out.length < maxFound;
    at = all.indexOf(wanted, at + wanted.length)
  )
    out.push(at);
  return out;
}

const matches = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    private at: number[] = [];
    constructor(view: EditorView) {
      this.decorations = this.draw(view);
    }
    update(u: ViewUpdate) {
      const text = u.state.field(query);
      const other = text !== u.startState.field(query);
      if (other || (u.docChanged && text !== "")) this.at = places(u.state.doc, text);
      if (other || u.docChanged || u.selectionSet || u.viewportChanged) this.decorations = this.draw(u.view);
    }
    private draw(view: EditorView): DecorationSet {
      const { length } = view.state.field(query);
      const { from, to } = view.viewport;
      const main = view.state.selection.main;
      return Decoration.set(
        this.at
          .filter((at) => at + length > from && at < to)
          .map((at) =>
            (at === main.from && at + length === main.to ? foundHere : found).range(at, at + length),
          ),
      );
    }
  },
  { decorations: (m) => m.decorations },
);

export interface Search {
  at: number;
  of: number;
  more: boolean;
}

/**
 * Finds a text and selects the next place of it: after the caret, before it, or (0) where the selection is.
 */
export function find(view: EditorView, text: string, step: 1 | 0 | -1): Search {
  const all = places(view.state.doc, text);
  const { from, to } = view.state.selection.main;
  let i =
    step < 0
      ? all.findLastIndex((at) => at < from)
      : all.findIndex((at) => (step > 0 ? at >= to : at >= from));
  if (i < 0) i = step < 0 ? all.length - 1 : 0;
  const at = all[i];
  view.dispatch({
    effects: [
      setQuery.of(text),
      ...(at === undefined ? [] : [EditorView.scrollIntoView(at, { y: "center" })]),
    ],
    selection: at === undefined ? undefined : EditorSelection.single(at, at + text.length),
  });
  return { at: at === undefined ? 0 : i + 1, of: all.length, more: all.length === maxFound };
}

export const markers: Extension = [
  field,
  query,
  matches,
  gutter({
    class: "signs",
    markers: (view) => view.state.field(field).signs,
    initialSpacer: () => new Sign("bad", ""),
  }),
];
