// A JSON Schema as a list of fields, for people. It is that of any node, also of one that nobody
// here knows: what cannot be put into words is left to the schema itself, which is shown below.
import { get, items, type Json, members, str, stringify, text } from "../json/lossless";

/** One field of a config, or the head of fields that only some configs have. */
export interface FieldRow {
  /** How deep it is nested: 0 = a key of the config. */
  depth: number;
  name: string;
  /** It introduces the fields below it, and is none itself. */
  head?: boolean;
  type: string;
  required: boolean;
  /** The default, as JSON. */
  default?: string;
  /** The description, and what the schema demands. */
  text: string;
}

type Schema = ReadonlyMap<string, Json>;
const none: ReadonlySet<string> = new Set();
const maxDepth = 8;
const maxValues = 20;
/** A value as JSON, with all its digits. */
const short = (v: Json): string => {
  const json = stringify(v);
  return json.length > 120 ? json.slice(0, 119) + "…" : json;
};
const isFalse = (v: Json | undefined): boolean => v?.kind === "boolean" && !v.value;
const isTrue = (v: Json | undefined): boolean => v?.kind === "boolean" && v.value;

/** Lists the fields of a schema, at most max. cut tells that there are more. */
export function fields(schema: Json | undefined, max = 1000): { rows: FieldRow[]; cut: boolean } {
  const rows: FieldRow[] = [];
  let cut = false;

  const add = (row: FieldRow): boolean => {
    if (rows.length < max) rows.push(row);
    else cut = true;
    return !cut;
  };
  /** Follows references within the schema. */
  const resolve = (v: Json | undefined, seen: readonly string[]): { s: Schema; seen: readonly string[] } => {
    const s = members(v);
    const ref = text(s.get("$ref"));
    if (ref === undefined || !ref.startsWith("#")) return { s, seen };
    if (seen.includes(ref)) return { s: new Map([["description", str("as above")]]), seen };
    const path = ref
      .slice(1)
      .split("/")
      .filter(Boolean)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    let at: Json | undefined = schema;
    for (const key of path) at = get(at, at?.kind === "array" ? Number(key) : key);
    const target = resolve(at, [...seen, ref]);
    const merged = new Map([...target.s, ...s]);
    merged.delete("$ref");
    return { s: merged, seen: target.seen };
  };
  /** Lists what is inside an object or a list. */
  const inside = (
    s: Schema,
    depth: number,
    seen: readonly string[],
    shown: ReadonlySet<string> = none,
  ): void => {
    if (depth > maxDepth) return;
    const properties = members(s.get("properties"));
    const required = new Set(items(s.get("required")).map(text));
    for (const [name, member] of properties) {
      if (isFalse(member) || (isTrue(member) && shown.has(name))) continue;
      if (!field(name, member, required.has(name), depth, seen)) return;
    }
    for (const [pattern, member] of members(s.get("patternProperties"))) {
      if (!field(`keys like ${pattern}`, member, false, depth, seen)) return;
    }
    const others = s.get("additionalProperties");
    if (others?.kind === "object" && !field("any other key", others, false, depth, seen)) return;
    if (s.has("items")) {
      const item = resolve(s.get("items"), seen);
      inside(item.s, depth, item.seen);
    }
    const keys = new Set(properties.keys());
    for (const [word, key] of [
      ["", "allOf"],
      ["either", "oneOf"],
      ["either", "anyOf"],
    ] as const) {
      items(s.get(key)).forEach((part, i) => variant(i === 0 ? word : word && "or", part, depth, seen, keys));
    }
    if (s.has("if")) variant("", { kind: "object", members: s }, depth, seen, keys, true);
  };
  /** Lists the fields that a part of a schema adds, below a head that says when. */
  const variant = (
    word: string,
    part: Json,
    depth: number,
    seen: readonly string[],
    shown: ReadonlySet<string>,
    own = false,
  ): void => {
    const { s, seen: now } = resolve(part, seen);
    const when = condition(s.get("if"));
    const whole: Json = { kind: "object", members: s };
    const inner = resolve(!s.has("if") ? whole : own ? s.get("then") : (s.get("then") ?? whole), now);
    const before = rows.length;
    if (word === "" && when === "") {
      inside(inner.s, depth, inner.seen, shown);
      return;
    }
    if (
      !add({
        depth,
        head: true,
        name: when || word,
        type: typeOf(inner.s),
        required: false,
        text: describe(inner.s),
      })
    )
      return;
    inside(inner.s, depth + 1, inner.seen, shown);
    // What only demands fields has none of its own.
    if (rows.length === before + 1 && (when !== "" || rows[before]!.type === "any")) rows.pop();
  };
  const field = (
    name: string,
    member: Json,
    required: boolean,
    depth: number,
    seen: readonly string[],
  ): boolean => {
    const { s, seen: now } = resolve(member, seen);
    const initial = s.get("default");
    if (
      !add({ depth, name, type: typeOf(s), required, default: initial && short(initial), text: describe(s) })
    )
      return false;
    inside(s, depth + 1, now);
    return !cut;
  };
  const first = resolve(schema, []);
  inside(first.s, 0, first.seen);
  return { rows, cut };
}

/** "op is set", of {"properties": {"op": {"const": "set"}}}. "" = it is not so simple. */
function condition(s: Json | undefined): string {
  const properties = [...members(get(s, "properties"))];
  const [name, value] = properties[0] ?? [];
  if (properties.length !== 1) return "";
  const only = get(value, "const");
  const values = only ? [only] : items(get(value, "enum"));
  return values.length === 0 || values.length > 4 ? "" : `if ${name} is ${values.map(plain).join(" or ")}`;
}

const plain = (v: Json): string => text(v) ?? short(v);

const words: Record<string, string> = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "yes or no",
  object: "object",
  array: "list",
  null: "null",
};

/** The type in words. */
function typeOf(s: Schema): string {
  const only = s.get("const");
  if (only) return plain(only);
  const values = items(s.get("enum"));
  if (values.length > 0) {
    const list = values.slice(0, maxValues).map(plain).join(", ");
    return values.length > maxValues ? `${list}, and ${values.length - maxValues} more` : list;
  }
  const type = s.get("type");
  const types = (type?.kind === "array" ? type.items : type ? [type] : []).map(
    (t) => words[plain(t)] ?? plain(t),
  );
  if (types.length === 0) return members(s.get("properties")).size > 0 ? "object" : "any";
  if (text(type) === "array" && s.has("items")) {
    const item = typeOf(members(s.get("items")));
    return item === "any" ? "list" : `list of ${item}`;
  }
  return types.join(", ");
}

const limits: readonly (readonly [key: string, text: (v: string) => string])[] = [
  ["format", (v) => `format ${v}`],
  ["pattern", (v) => `matches ${v}`],
  ["minLength", (v) => (v === "1" ? "not empty" : `at least ${v} characters`)],
  ["maxLength", (v) => `at most ${v} characters`],
  ["minimum", (v) => `at least ${v}`],
  ["maximum", (v) => `at most ${v}`],
  ["exclusiveMinimum", (v) => `more than ${v}`],
  ["exclusiveMaximum", (v) => `less than ${v}`],
  ["multipleOf", (v) => `a multiple of ${v}`],
  ["minItems", (v) => (v === "1" ? "not empty" : `at least ${v} in the list`)],
  ["maxItems", (v) => `at most ${v} in the list`],
  ["minProperties", (v) => `at least ${v} keys`],
  ["maxProperties", (v) => `at most ${v} keys`],
];

/** What the schema says about a value. */
function describe(s: Schema): string {
  const demands: string[] = [];
  for (const [key, write] of limits) {
    const v = s.get(key);
    if (v?.kind === "number" || v?.kind === "string") demands.push(write(plain(v)));
  }
  if (isTrue(s.get("uniqueItems"))) demands.push("each once");
  if (isTrue(s.get("deprecated"))) demands.push("deprecated");
  return [text(s.get("description")) ?? text(s.get("title")) ?? "", demands.join(", ")]
    .filter(Boolean)
    .join(" · ");
}
