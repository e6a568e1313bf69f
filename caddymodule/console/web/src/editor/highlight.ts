// The colors of JSON and JavaScript. Grammars would be a third of the editor: what is read here line by line, or in one
// pass, is enough for colors.
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import type { Range, Text } from "@codemirror/state";

export type Kind = "key" | "string" | "number" | "word" | "call" | "comment" | "template" | "invalid";
export interface Token { from: number; to: number; kind: Kind }

/** Longer code has no colors. */
const maxCode = 256 << 10;
/** How far before what is visible the JSON of one long line is read. */
const maxBefore = 10_000;

const json = /("(?:[^"\\]|\\.)*"?)(\s*:)?|(-?\d[\d.eE+-]*)|(\b(?:true|false|null)\b)|([^\s{}[\]:,"]+)/g;
const template = /(?<!\\)\{\{[^{}\n]*\}\}/g;

/** The tokens of a line of JSON: no text in JSON has a line break. */
export function jsonTokens(line: string): Token[] {
  const out: Token[] = [];
  for (const m of line.matchAll(json)) {
    const [, text, colon, digits, word, wrong] = m;
    const from = m.index;
    if (text === undefined) {
      out.push({ from, to: from + m[0].length, kind: digits ? "number" : word ? "word" : wrong ? "invalid" : "string" });
      continue;
    }
    let at = from;
    const kind: Kind = colon === undefined ? "string" : "key";
    for (const t of text.matchAll(template)) {
      if (from + t.index > at) out.push({ from: at, to: from + t.index, kind });
      at = from + t.index + t[0].length;
      out.push({ from: from + t.index, to: at, kind: "template" });
    }
    if (at < from + text.length) out.push({ from: at, to: from + text.length, kind });
  }
  return out;
}

const keywords = new Set(
  ("async await break case catch class const continue default delete do else export extends finally for from function get if import in " +
    "instanceof let new of return set static super switch this throw try typeof var void while with yield").split(" "),
);
const constants = new Set("true false null undefined NaN Infinity".split(" "));
const code = new RegExp([
  /(?<comment>\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))/, /(?<string>"(?:[^"\\\n]|\\[^])*"?|'(?:[^'\\\n]|\\[^])*'?|`(?:[^`\\]|\\[^])*`?)/,
  /(?<number>\b\d[\w.]*)/, /(?<name>[\p{ID_Start}$_][\p{ID_Continue}$]*)(?:(?<call>(?=\s*\())|)/u, /(?<close>[)\]])/, /(?<slash>\/)/, /(?<other>[^\s])/,
].map((r) => r.source).join("|"), "gu");
const pattern = /\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;

/** The tokens of JavaScript, in one pass. A slash is a pattern where no value can stand before it. */
export function codeTokens(source: string): Token[] {
  const out: Token[] = [];
  let value = false; // a value has just ended: a slash divides it
  let dot = false;
  code.lastIndex = 0;
  for (let m = code.exec(source); m; m = code.exec(source)) {
    const g = m.groups!;
    const add = (kind: Kind, to = m!.index + m![0].length) => out.push({ from: m!.index, to, kind });
    const after = dot;
    dot = g["other"] === ".";
    if (g["comment"] !== undefined) { add("comment"); continue; }
    if (g["slash"] !== undefined && !value) {
      pattern.lastIndex = m.index;
      const end = pattern.test(source) ? pattern.lastIndex : 0;
      if (end) { add("string", end); code.lastIndex = end; }
      value = end > 0;
      continue;
    }
    value = true;
    if (g["string"] !== undefined) add("string");
    else if (g["number"] !== undefined) add("number");
    else if (g["name"] !== undefined) {
      if (after) { if (g["call"] !== undefined) add("call"); }
      else if (keywords.has(g["name"])) { add("word"); value = g["name"] === "this" || g["name"] === "super"; }
      else if (constants.has(g["name"])) add("number");
      else if (g["call"] !== undefined) add("call");
    } else value = g["close"] !== undefined || g["other"] === "}";
  }
  return out;
}

const marks = new Map<Kind, Decoration>();
function mark(kind: Kind): Decoration {
  let m = marks.get(kind);
  if (!m) marks.set(kind, (m = Decoration.mark({ class: `tok-${kind}` })));
  return m;
}

/** Colors what is visible. */
export function highlight(language: "json" | "javascript") {
  let of: Text | undefined;
  let tokens: readonly Token[] = [];
  const visibleJson = (view: EditorView): Range<Decoration>[] => {
    const out: Range<Decoration>[] = [];
    for (const range of view.visibleRanges) {
      for (let at = range.from; at <= range.to;) {
        const line = view.state.doc.lineAt(at);
        const from = Math.max(line.from, range.from - maxBefore);
        const to = Math.min(line.to, range.to);
        for (const t of jsonTokens(view.state.sliceDoc(from, to))) {
          if (from + t.to > range.from) out.push(mark(t.kind).range(from + t.from, from + t.to));
        }
        at = line.to + 1;
      }
    }
    return out;
  };
  const visibleCode = (view: EditorView): Range<Decoration>[] => {
    const { doc } = view.state;
    if (of !== doc) [of, tokens] = [doc, doc.length > maxCode ? [] : codeTokens(doc.toString())];
    return view.visibleRanges.flatMap(({ from, to }) =>
      tokens.filter((t) => t.to > from && t.from < to).map((t) => mark(t.kind).range(t.from, t.to)));
  };
  const look = language === "json" ? visibleJson : visibleCode;
  return ViewPlugin.fromClass(class {
    decorations: DecorationSet;
    constructor(view: EditorView) { this.decorations = Decoration.set(look(view), true); }
    update(u: ViewUpdate) { if (u.docChanged || u.viewportChanged) this.decorations = Decoration.set(look(u.view), true); }
  }, { decorations: (plugin) => plugin.decorations });
}
