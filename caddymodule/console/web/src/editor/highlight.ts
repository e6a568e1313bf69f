// Colors of the lines that are visible, and the pair of the bracket at the caret.
import { type Extension, type Text } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  type PluginValue,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { type Language, type State, type Token, tokens } from "./tokens";

/** Longer lines have no colors from here on. */
const maxLine = 20_000;
/** How many lines are searched for the other bracket. */
const maxSearch = 2000;

const marks = new Map<string, Decoration>();
function markOf(kind: string): Decoration {
  let mark = marks.get(kind);
  if (!mark) marks.set(kind, (mark = Decoration.mark({ class: `tok-${kind}` })));
  return mark;
}

/** The tokens of lines. What the lines before a line leave open is found once, from the top. */
class Lines {
  /** What each line begins in, by its index. */
  private states: State[] = [""];
  constructor(
    private readonly language: Language,
    private doc: Text,
  ) {}

  change(doc: Text, from: number): void {
    this.states.length = Math.min(
      this.states.length,
      this.doc.lineAt(Math.min(from, this.doc.length)).number,
    );
    this.doc = doc;
  }

  /** The tokens of a line, by its number from 1. */
  of(n: number): Token[] {
    if (this.language === "json") return this.read(n, "").tokens;
    while (this.states.length < n) {
      const last = this.states.length;
      this.states.push(this.read(last, this.states[last - 1]!).state);
    }
    return this.read(n, this.states[n - 1]!).tokens;
  }

  private read(n: number, state: State) {
    return tokens(this.language, this.doc.line(n).text.slice(0, maxLine), state);
  }
}

const pairs = ["()", "[]", "{}"];

class Highlighter implements PluginValue {
  decorations: DecorationSet;
  private readonly lines: Lines;

  constructor(view: EditorView, language: Language) {
    this.lines = new Lines(language, view.state.doc);
    this.decorations = this.draw(view);
  }

  update(u: ViewUpdate): void {
    if (u.docChanged) u.changes.iterChanges((from) => this.lines.change(u.state.doc, from), true);
    if (u.docChanged || u.viewportChanged || u.selectionSet || u.focusChanged)
      this.decorations = this.draw(u.view);
  }

  private draw(view: EditorView): DecorationSet {
    const { doc } = view.state;
    const ranges = [];
    for (const visible of view.visibleRanges) {
      for (let n = doc.lineAt(visible.from).number, end = doc.lineAt(visible.to).number; n <= end; n++) {
        const { from } = doc.line(n);
        for (const t of this.lines.of(n)) ranges.push(markOf(t.kind).range(from + t.from, from + t.to));
      }
    }
    if (view.hasFocus && view.state.selection.main.empty) {
      for (const at of this.pairAt(doc, view.state.selection.main.head))
        ranges.push(markOf("bracket").range(at, at + 1));
    }
    return Decoration.set(ranges, true);
  }

  /** The places of the bracket at the caret and its other one, or none. */
  private pairAt(doc: Text, caret: number): number[] {
    for (const at of [caret - 1, caret]) {
      const c = doc.sliceString(Math.max(0, at), at + 1);
      const pair = pairs.find((p) => c !== "" && p.includes(c));
      if (at < 0 || !pair || this.inText(doc, at)) continue;
      const other = this.otherOf(doc, at, pair, c === pair[0] ? 1 : -1);
      if (other !== undefined) return [at, other];
    }
    return [];
  }

  private inText(doc: Text, at: number): boolean {
    const line = doc.lineAt(at);
    return this.lines
      .of(line.number)
      .some((t) => isText(t) && line.from + t.from <= at && at < line.from + t.to);
  }

  private otherOf(doc: Text, at: number, pair: string, step: 1 | -1): number | undefined {
    const start = doc.lineAt(at);
    let depth = 0;
    for (
      let n = start.number;
      n >= 1 && n <= doc.lines && Math.abs(n - start.number) <= maxSearch;
      n += step
    ) {
      const line = doc.line(n);
      const texts = this.lines.of(n).filter(isText);
      const end = Math.min(line.length, maxLine);
      for (
        let i = n === start.number ? at - line.from : step > 0 ? 0 : end - 1;
        i >= 0 && i < end;
        i += step
      ) {
        const c = line.text[i]!;
        if (!pair.includes(c) || texts.some((t) => t.from <= i && i < t.to)) continue;
        depth += c === pair[0] ? step : -step;
        if (depth === 0) return line.from + i;
      }
    }
    return undefined;
  }
}

const isText = (t: Token): boolean =>
  t.kind === "string" || t.kind === "comment" || t.kind === "key" || t.kind === "template";

export const highlight = (language: Language): Extension =>
  ViewPlugin.define((view) => new Highlighter(view, language), { decorations: (h) => h.decorations });
