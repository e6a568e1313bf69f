// A JSON reader that loses nothing: numbers keep their text, and objects keep the order of their
// keys. JSON.parse would round 12345678901234567890 and turn 1.0 into 1. Of repeated keys the last
// one counts, as on the server.

/** A JSON value. Arrays and objects are immutable: an edit makes new ones around it. */
export type Json = JsonNull | JsonBool | JsonNumber | JsonString | JsonArray | JsonObject;
export interface JsonNull {
  readonly kind: "null";
}
export interface JsonBool {
  readonly kind: "boolean";
  readonly value: boolean;
}
/** A number, as it is written. */
export interface JsonNumber {
  readonly kind: "number";
  readonly text: string;
}
export interface JsonString {
  readonly kind: "string";
  readonly value: string;
}
export interface JsonArray {
  readonly kind: "array";
  readonly items: readonly Json[];
}
export interface JsonObject {
  readonly kind: "object";
  readonly members: ReadonlyMap<string, Json>;
}

/** What is wrong with a text, and where: both are 1-based, the column in code points. */
export class JsonSyntaxError extends Error {
  constructor(
    message: string,
    readonly offset: number,
    readonly line: number,
    readonly column: number,
  ) {
    super(`${message} (line ${line}, column ${column})`);
  }
}

/** How deep values may be nested, as on the server. */
export const maxDepth = 512;

export const jsonNull: JsonNull = { kind: "null" };
export const str = (value: string): JsonString => ({ kind: "string", value });
export const num = (value: number | string): JsonNumber => ({ kind: "number", text: String(value) });
export const bool = (value: boolean): JsonBool => ({ kind: "boolean", value });
export const arr = (...items: Json[]): JsonArray => ({ kind: "array", items });
export const obj = (
  members: Iterable<readonly [string, Json]> | Record<string, Json | undefined>,
): JsonObject => ({
  kind: "object",
  members: new Map(
    (Symbol.iterator in members ? [...members] : Object.entries(members)).filter(
      (m): m is [string, Json] => m[1] !== undefined,
    ),
  ),
});

/** Returns the value of a member, or undefined if v is no object or lacks it. */
export function get(v: Json | undefined, ...path: (string | number)[]): Json | undefined {
  for (const key of path) {
    if (v?.kind === "object" && typeof key === "string") v = v.members.get(key);
    else if (v?.kind === "array" && typeof key === "number") v = v.items[key];
    else return undefined;
  }
  return v;
}

/** Returns the text of a string, or undefined if v is none. */
export const text = (v: Json | undefined): string | undefined => (v?.kind === "string" ? v.value : undefined);
export const items = (v: Json | undefined): readonly Json[] => (v?.kind === "array" ? v.items : []);
export const members = (v: Json | undefined): ReadonlyMap<string, Json> =>
  v?.kind === "object" ? v.members : new Map();

/**
 * Returns v with the value at path replaced, or removed if it is undefined. Objects on the way are
 * made as needed.
 */
export function set(v: Json | undefined, path: readonly (string | number)[], value: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value ?? jsonNull;
  if (typeof key === "number") {
    const list = [...items(v)];
    if (rest.length === 0 && value === undefined) list.splice(key, 1);
    else {
      while (list.length < key) list.push(jsonNull);
      list[key] = set(list[key], rest, value);
    }
    return { kind: "array", items: list };
  }
  const map = new Map(members(v));
  if (rest.length === 0 && value === undefined) map.delete(key);
  else map.set(key, set(map.get(key), rest, value));
  return { kind: "object", members: map };
}

/** Reports whether two values are the same text, apart from white space and the order of keys. */
export function equal(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (!a || !b || a.kind !== b.kind) return false;
  switch (a.kind) {
    case "null":
      return true;
    case "boolean":
      return a.value === (b as JsonBool).value;
    case "number":
      return a.text === (b as JsonNumber).text;
    case "string":
      return a.value === (b as JsonString).value;
    case "array": {
      const other = (b as JsonArray).items;
      return a.items.length === other.length && a.items.every((item, i) => equal(item, other[i]));
    }
    case "object": {
      const other = (b as JsonObject).members;
      return a.members.size === other.size && [...a.members].every(([k, m]) => equal(m, other.get(k)));
    }
  }
}

/** Converts what JSON.parse gives. Only for values whose digits do not matter, such as schemas. */
export function fromPlain(v: unknown): Json {
  if (v === null || v === undefined) return jsonNull;
  if (typeof v === "boolean") return bool(v);
  if (typeof v === "number") return num(v);
  if (typeof v === "string") return str(v);
  if (Array.isArray(v)) return { kind: "array", items: v.map(fromPlain) };
  return obj(Object.entries(v as object).map(([k, m]) => [k, fromPlain(m)] as const));
}

/** Writes a value: compact without an indent, else with that many spaces. */
export function stringify(v: Json, indent = 0): string {
  const out: string[] = [];
  write(v, indent, "\n", out);
  return out.join("");
}

function write(v: Json, indent: number, line: string, out: string[]): void {
  const inner = line + " ".repeat(indent);
  const list = (open: string, close: string, n: number, each: (separate: () => void) => void) => {
    out.push(open);
    let first = true;
    each(() => {
      if (!first) out.push(",");
      if (indent) out.push(inner);
      first = false;
    });
    if (indent && n) out.push(line);
    out.push(close);
  };
  switch (v.kind) {
    case "null":
      out.push("null");
      break;
    case "boolean":
      out.push(String(v.value));
      break;
    case "number":
      out.push(v.text);
      break;
    case "string":
      out.push(JSON.stringify(v.value));
      break;
    case "array":
      list("[", "]", v.items.length, (separate) =>
        v.items.forEach((item) => {
          separate();
          write(item, indent, inner, out);
        }),
      );
      break;
    case "object":
      list("{", "}", v.members.size, (separate) =>
        v.members.forEach((m, k) => {
          separate();
          out.push(JSON.stringify(k), indent ? ": " : ":");
          write(m, indent, inner, out);
        }),
      );
  }
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// The pieces of a string, each bounded or without alternatives: one pattern for a string of
// megabytes would use up the stack of the regular expressions. eslint-disable-next-line
// no-control-regex
const plain = /[^"\\\u0000-\u001f]+/y;
const escapes = /(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})){1,64}/y;

/** Reads one JSON value. Throws a JsonSyntaxError. */
export function parse(source: string): Json {
  let at = 0;
  const fail = (message: string): never => {
    const before = source.slice(0, at);
    const start = before.lastIndexOf("\n") + 1;
    throw new JsonSyntaxError(message, at, before.split("\n").length, [...before.slice(start)].length + 1);
  };
  const skip = () => {
    space.lastIndex = at;
    space.test(source);
    at = space.lastIndex;
  };
  const token = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const readString = (): string => {
    const start = at++;
    while (token(plain) !== undefined || token(escapes) !== undefined);
    if (source[at++] === '"') return JSON.parse(source.slice(start, at)) as string;
    at = start;
    return fail("this text is not closed, or has a wrong escape");
  };
  const value = (depth: number): Json => {
    if (depth > maxDepth) fail(`the value is nested deeper than ${maxDepth}`);
    skip();
    switch (source[at]) {
      case '"':
        return { kind: "string", value: readString() };
      case "{": {
        const map = new Map<string, Json>();
        at++;
        skip();
        if (source[at] === "}") {
          at++;
          return { kind: "object", members: map };
        }
        for (;;) {
          skip();
          if (source[at] !== '"') fail("a key in quotes is expected");
          const key = readString();
          skip();
          if (source[at] !== ":") fail("a colon is expected");
          at++;
          const member = value(depth + 1);
          map.delete(key);
          map.set(key, member);
          skip();
          const next = source[at];
          if (next !== "," && next !== "}") fail("a comma or a closing brace is expected");
          at++;
          if (next === "}") return { kind: "object", members: map };
        }
      }
      case "[": {
        const list: Json[] = [];
        at++;
        skip();
        if (source[at] === "]") {
          at++;
          return { kind: "array", items: list };
        }
        for (;;) {
          list.push(value(depth + 1));
          skip();
          const next = source[at];
          if (next !== "," && next !== "]") fail("a comma or a closing bracket is expected");
          at++;
          if (next === "]") return { kind: "array", items: list };
        }
      }
    }
    for (const [word, v] of words)
      if (source.startsWith(word, at)) {
        at += word.length;
        return v;
      }
    const digits = token(number);
    if (digits) return { kind: "number", text: digits };
    return fail(at >= source.length ? "the text ends too early" : "a value is expected");
  };
  const v = value(1);
  skip();
  if (at < source.length) fail("there is more text after the value");
  return v;
}

const words: readonly (readonly [string, Json])[] = [
  ["null", jsonNull],
  ["true", bool(true)],
  ["false", bool(false)],
];
