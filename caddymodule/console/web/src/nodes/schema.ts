// A JSON Schema as a list of fields, for people. It is that of any node, also of one that nobody here knows: what cannot be
// put into words is left to the schema itself, which is shown below.

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

type Schema = Record<string, unknown>;
const isObject = (v: unknown): v is Schema => typeof v === "object" && v !== null && !Array.isArray(v);
const none: ReadonlySet<string> = new Set();
const maxDepth = 8;
const maxValues = 20;
const short = (v: unknown): string => {
  const text = JSON.stringify(v) ?? "";
  return text.length > 120 ? text.slice(0, 119) + "…" : text;
};

/** Lists the fields of a schema, at most max. cut tells that there are more. */
export function fields(schema: unknown, max = 1000): { rows: FieldRow[]; cut: boolean } {
  const rows: FieldRow[] = [];
  let cut = false;
  const root = isObject(schema) ? schema : {};

  const add = (row: FieldRow): boolean => {
    if (rows.length < max) rows.push(row);
    else cut = true;
    return !cut;
  };
  /** Follows references within the schema. */
  const resolve = (s: unknown, seen: readonly string[]): { s: Schema; seen: readonly string[] } => {
    if (!isObject(s) || typeof s.$ref !== "string" || !s.$ref.startsWith("#")) return { s: isObject(s) ? s : {}, seen };
    if (seen.includes(s.$ref)) return { s: { description: "as above" }, seen };
    let at: unknown = root;
    for (const key of s.$ref.slice(1).split("/").filter(Boolean)) {
      at = isObject(at) || Array.isArray(at) ? (at as Schema)[key.replaceAll("~1", "/").replaceAll("~0", "~")] : undefined;
    }
    const { $ref, ...rest } = s;
    const target = resolve(at, [...seen, $ref as string]);
    return { s: { ...target.s, ...rest }, seen: target.seen };
  };
  /** Lists what is inside an object or a list. */
  const inside = (s: Schema, depth: number, seen: readonly string[], shown: ReadonlySet<string> = none): void => {
    if (depth > maxDepth) return;
    const required = Array.isArray(s.required) ? s.required : [];
    for (const [name, member] of Object.entries(isObject(s.properties) ? s.properties : {})) {
      if (member === false || (member === true && shown.has(name))) continue;
      if (!field(name, member, required.includes(name), depth, seen)) return;
    }
    for (const [pattern, member] of Object.entries(isObject(s.patternProperties) ? s.patternProperties : {})) {
      if (!field(`keys like ${pattern}`, member, false, depth, seen)) return;
    }
    if (isObject(s.additionalProperties) && !field("any other key", s.additionalProperties, false, depth, seen)) return;
    if (s.items !== undefined && s.items !== true) {
      const item = resolve(s.items, seen);
      inside(item.s, depth, item.seen);
    }
    const keys = new Set(Object.keys(isObject(s.properties) ? s.properties : {}));
    for (const [word, list] of [["", s.allOf], ["either", s.oneOf], ["either", s.anyOf]] as const) {
      if (Array.isArray(list)) list.forEach((part, i) => variant(i === 0 ? word : word && "or", part, depth, seen, keys));
    }
    if (s.if !== undefined) variant("", s, depth, seen, keys, true);
  };
  /** Lists the fields that a part of a schema adds, below a head that says when. */
  const variant = (word: string, part: unknown, depth: number, seen: readonly string[], shown: ReadonlySet<string>, own = false): void => {
    const { s, seen: now } = resolve(part, seen);
    const when = condition(s.if);
    const body = s.if === undefined ? s : own ? s.then : s.then ?? s;
    const inner = resolve(body, now);
    const before = rows.length;
    if (word === "" && when === "") {
      inside(inner.s, depth, inner.seen, shown);
      return;
    }
    if (!add({ depth, head: true, name: when || word, type: typeOf(inner.s), required: false, text: describe(inner.s) })) return;
    inside(inner.s, depth + 1, inner.seen, shown);
    if (rows.length === before + 1 && (when !== "" || rows[before]!.type === "any")) rows.pop(); // it only demands fields
  };
  const field = (name: string, schema: unknown, required: boolean, depth: number, seen: readonly string[]): boolean => {
    const { s, seen: now } = resolve(schema, seen);
    const row = { depth, name, type: typeOf(s), required, default: s.default === undefined ? undefined : short(s.default), text: describe(s) };
    if (!add(row)) return false;
    inside(s, depth + 1, now);
    return !cut;
  };
  const first = resolve(schema, []);
  inside(first.s, 0, first.seen);
  return { rows, cut };
}

/** "op is set", of {"properties": {"op": {"const": "set"}}}. "" = it is not so simple. */
function condition(s: unknown): string {
  const properties = isObject(s) && isObject(s.properties) ? Object.entries(s.properties) : [];
  const [name, value] = properties[0] ?? [];
  if (properties.length !== 1 || !isObject(value)) return "";
  const values = "const" in value ? [value.const] : Array.isArray(value.enum) ? value.enum : [];
  return values.length === 0 || values.length > 4 ? "" : `if ${name} is ${values.map(plain).join(" or ")}`;
}

const plain = (v: unknown): string => (typeof v === "string" ? v : short(v));

const words: Record<string, string> = {
  string: "text", integer: "whole number", number: "number", boolean: "yes or no", object: "object", array: "list", null: "null",
};

/** The type in words. */
export function typeOf(s: Schema): string {
  if ("const" in s) return plain(s.const);
  if (Array.isArray(s.enum)) {
    const values = s.enum.slice(0, maxValues).map(plain).join(", ");
    return s.enum.length > maxValues ? `${values}, and ${s.enum.length - maxValues} more` : values;
  }
  const types = (Array.isArray(s.type) ? s.type : s.type === undefined ? [] : [s.type]).map((t) => words[String(t)] ?? String(t));
  if (types.length === 0) return isObject(s.properties) ? "object" : "any";
  if (s.type === "array" && isObject(s.items)) {
    const item = typeOf(s.items);
    return item === "any" ? "list" : `list of ${item}`;
  }
  return types.join(", ");
}

const limits: readonly (readonly [key: string, text: (v: unknown) => string])[] = [
  ["format", (v) => `format ${plain(v)}`], ["pattern", (v) => `matches ${plain(v)}`],
  ["minLength", (v) => (v === 1 ? "not empty" : `at least ${v} characters`)], ["maxLength", (v) => `at most ${v} characters`],
  ["minimum", (v) => `at least ${v}`], ["maximum", (v) => `at most ${v}`],
  ["exclusiveMinimum", (v) => `more than ${v}`], ["exclusiveMaximum", (v) => `less than ${v}`], ["multipleOf", (v) => `a multiple of ${v}`],
  ["minItems", (v) => (v === 1 ? "not empty" : `at least ${v} in the list`)], ["maxItems", (v) => `at most ${v} in the list`],
  ["minProperties", (v) => `at least ${v} keys`], ["maxProperties", (v) => `at most ${v} keys`],
];

/** What the schema says about a value. */
function describe(s: Schema): string {
  const demands = limits.filter(([key]) => typeof s[key] === "number" || typeof s[key] === "string").map(([key, text]) => text(s[key]));
  if (s.uniqueItems === true) demands.push("each once");
  if (s.deprecated === true) demands.push("deprecated");
  const title = typeof s.description === "string" ? s.description : typeof s.title === "string" ? s.title : "";
  return [title, demands.join(", ")].filter(Boolean).join(" · ");
}
