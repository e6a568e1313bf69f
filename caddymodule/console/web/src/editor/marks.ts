// Problems in the text: the word is underlined, the line is marked at its begin, and the reason is the tip of both.
import { StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import type { Marker } from "./CodeEditor";

export const setMarks = StateEffect.define<readonly Marker[]>();

/** The most problems that are marked. */
const maxMarks = 200;

export const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update: (now, tr) => {
    for (const e of tr.effects) if (e.is(setMarks)) return decorate(tr.state.doc, e.value);
    return now.map(tr.changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

function decorate(doc: Text, list: readonly Marker[]): DecorationSet {
  return Decoration.set(list.slice(0, maxMarks).flatMap((m) => {
    const tone = m.tone ?? "bad";
    const at = offset(doc, m.line, m.column);
    const line = doc.lineAt(at);
    const rest = line.text.slice(at - line.from);
    const word = /^(?:"(?:[^"\\]|\\.)*"|[\w$-]+|.)/u.exec(rest)?.[0] ?? "";
    const from = m.column === undefined ? at + (/^\s*/.exec(rest)?.[0].length ?? 0) : at;
    const to = m.column === undefined ? line.to : at + word.length;
    const attributes = { title: m.message };
    const whole = Decoration.line({ class: `problem-line ${tone}`, attributes }).range(line.from);
    return from < to ? [whole, Decoration.mark({ class: `problem ${tone}`, attributes }).range(from, to)] : [whole];
  }), true);
}

/** The offset of a line and a column in code points, both from 1. */
export function offset(doc: Text, line: number, column = 1): number {
  const l = doc.line(Math.min(Math.max(1, line), doc.lines));
  let at = l.from;
  for (const c of [...l.text.slice(0, 2 * column)].slice(0, column - 1)) at += c.length;
  return Math.min(at, l.to);
}
