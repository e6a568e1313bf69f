// Splits lines of JSON and JavaScript into what gets a color. It is no parser: it knows texts, comments,
// numbers and words, which is all that colors need, in a fraction of the size of a grammar.

export type Language = "json" | "javascript";
export type Kind = "key" | "string" | "template" | "number" | "word" | "comment" | "call" | "invalid";
export interface Token {
  kind: Kind;
  from: number;
  to: number;
}

/**
 * What a line begins in: "" = nothing; "*" = a comment; else template literals of JavaScript. Each of them is
 * a "`", or a number while a ${ in it is open: how many braces are open in that.
 */
export type State = string;

export interface Line {
  tokens: Token[];
  state: State;
}

const json = /("(?:[^"\\]|\\.)*"?)(\s*:)?|(-?\d[\d.eE+-]*)|(\b(?:true|false|null)\b)|[^\s{}[\]:,"]+/g;

/**
 * Splits a line that begins in a state. Its tokens have their places in the line; what has no color is in
 * none.
 */
export function tokens(language: Language, line: string, state: State): Line {
  return language === "json" ? { tokens: jsonTokens(line), state: "" } : scriptTokens(line, state);
}

function jsonTokens(line: string): Token[] {
  const found: Token[] = [];
  for (const m of line.matchAll(json)) {
    const from = m.index;
    if (m[1] === undefined)
      found.push({ kind: m[3] ? "number" : m[4] ? "word" : "invalid", from, to: from + m[0].length });
    else if (m[2] !== undefined) found.push({ kind: "key", from, to: from + m[1].length });
    else textWithTemplates(m[1], from, found);
  }
  return found;
}

const template = /(?<!\\)\{\{[^{}]*\}\}/g;

function textWithTemplates(text: string, at: number, into: Token[]): void {
  let done = 0;
  const add = (kind: Kind, to: number) => {
    if (to > done) into.push({ kind, from: at + done, to: at + to });
    done = to;
  };
  for (const m of text.matchAll(template)) {
    add("string", m.index);
    add("template", m.index + m[0].length);
  }
  add("string", text.length);
}

const words = new Set(
  (
    "async await break case catch class const continue debugger default delete do else export extends " +
    "false finally for function if import in instanceof let new null of return static super switch this throw " +
    "true try typeof undefined var void while with yield"
  ).split(" "),
);
/** After these words a slash begins a regular expression; after other words and values it divides. */
const beforeValue = new Set(
  "await case delete do else in instanceof new of return throw typeof void yield".split(" "),
);

const blank = /\s+/y;
const word = /[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/uy;
const number = /0[xXoObB][\da-fA-F_]+n?|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?n?/y;
const quoted = /"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?/y;
const regexp = /\/(?:[^\\/[]|\\.|\[(?:[^\\\]]|\\.)*\])+\/[a-z]*/y;
const literal = /(?:[^`\\$]|\\.|\\$|\$(?!\{))+/y;

function scriptTokens(line: string, state: State): Line {
  const found: Token[] = [];
  let at = 0;
  let value = false; // what stands before is a value: a slash divides
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(line)?.[0];
  };
  const add = (kind: Kind, length: number) => {
    found.push({ kind, from: at, to: at + length });
    at += length;
  };
  const nest = state === "*" || state === "" ? [] : state.split(",");
  if (state === "*") {
    const end = line.indexOf("*/");
    if (end < 0) return { tokens: line ? [{ kind: "comment", from: 0, to: line.length }] : [], state };
    add("comment", end + 2);
  }
  while (at < line.length) {
    if (nest.at(-1) === "`") {
      const text = match(literal);
      if (text) add("string", text.length);
      if (line[at] === "`") {
        add("string", 1);
        nest.pop();
        value = true;
      } else if (line.startsWith("${", at)) {
        add("word", 2);
        nest.push("0");
        value = false;
      }
      continue;
    }
    let text: string | undefined;
    if ((text = match(blank))) {
      at += text.length;
      continue;
    }
    if (line.startsWith("//", at)) {
      add("comment", line.length - at);
      break;
    }
    if (line.startsWith("/*", at)) {
      const end = line.indexOf("*/", at + 2);
      if (end < 0) {
        add("comment", line.length - at);
        return { tokens: found, state: "*" };
      }
      add("comment", end + 2 - at);
      continue;
    }
    if ((text = match(word))) {
      const member = /\.\s*$/.test(line.slice(0, at));
      const key = words.has(text) && !member;
      if (key) add("word", text.length);
      else if (/^\s*\(/.test(line.slice(at + text.length, at + text.length + 8))) add("call", text.length);
      else if (member || /^\s*:(?!:)/.test(line.slice(at + text.length, at + text.length + 8)))
        add("key", text.length);
      else at += text.length;
      value = !key || !beforeValue.has(text);
      continue;
    }
    if ((text = match(number))) {
      add("number", text.length);
      value = true;
      continue;
    }
    if ((text = match(quoted))) {
      add("string", text.length);
      value = true;
      continue;
    }
    if (!value && (text = match(regexp))) {
      add("string", text.length);
      value = true;
      continue;
    }
    const c = line[at]!;
    if (c === "`") {
      add("string", 1);
      nest.push("`");
      continue;
    }
    const open = nest.length ? Number(nest.at(-1)) : 0;
    if (c === "{" && nest.length) nest[nest.length - 1] = String(open + 1);
    if (c === "}" && nest.length) {
      if (open === 0) {
        add("word", 1);
        nest.pop();
        continue;
      }
      nest[nest.length - 1] = String(open - 1);
    }
    value = c === ")" || c === "]" || c === "}";
    at++;
  }
  return { tokens: found, state: nest.join(",") };
}
