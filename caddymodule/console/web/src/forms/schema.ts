// JSON Schemas of node types, read as what a form can show. Whatever a schema says that a form cannot, the
// server checks.
import {
  arr, bool, equal, fromPlain, type Json, jsonNull, members, num, obj, str, stringify,
} from "../json/lossless";

/** A JSON Schema as JSON.parse gives it. */
export type Schema = { readonly [keyword: string]: unknown } | boolean | undefined;

export interface Described {
  title?: string;
  description?: string;
  default?: Json;
  shape: Shape;
}

export type Shape =
  | {
      kind: "text";
      multiline: boolean;
      format?: string;
      pattern?: string;
      minLength?: number;
      maxLength?: number;
      examples: string[];
    }
  | { kind: "number"; integer: boolean; minimum?: number; maximum?: number }
  | { kind: "boolean" }
  | { kind: "choice"; options: readonly { value: Json; label: string }[] }
  /** An object of known keys, of any keys (rest), or of both. */
  | { kind: "object"; fields: readonly ObjectField[]; rest?: Schema }
  | { kind: "list"; prefix: readonly Schema[]; items: Schema; min: number; max: number }
  /** One of several schemas. */
  | { kind: "variants"; variants: readonly { label: string; schema: Schema }[] }
  /** Any JSON, or JSON of these kinds. */
  | { kind: "any"; kinds?: readonly Json["kind"][] };

export interface ObjectField {
  name: string;
  schema: Schema;
  required: boolean;
}

const maxHops = 16;
const maxVariants = 50;
const maxOptions = 500;
const maxFields = 1000;

/** What was read, by the object of a schema, which is a part of one root: forms ask again as one types. */
const known = new WeakMap<object, Described>();

/** Reads a schema. root is the whole schema, which references are in. */
export function describe(schema: Schema, root: Schema): Described {
  if (!isObject(schema)) return { shape: { kind: "any" } };
  let d = known.get(schema);
  if (!d) known.set(schema, (d = read(follow(schema, root), root)));
  return d;
}

function read(s: Schema, root: Schema): Described {
  if (!isObject(s)) return { shape: { kind: "any" } };
  return {
    title: textOf(s.title),
    description: textOf(s.description),
    default: s.default === undefined ? undefined : fromPlain(s.default),
    shape: shapeOf(s, root),
  };
}

/** Follows references within the schema, and joins what stands beside them and in allOf. */
function follow(schema: Schema, root: Schema): Schema {
  let s = schema;
  for (let hops = 0; isObject(s) && typeof s.$ref === "string"; hops++) {
    if (hops === maxHops) return true;
    const { $ref, ...beside } = s;
    const target = at(root, $ref as string);
    s = isObject(target) ? { ...target, ...beside } : target;
  }
  if (!isObject(s) || !Array.isArray(s.allOf)) return s;
  const { allOf, ...joined } = s;
  let all: { [keyword: string]: unknown } = joined;
  for (const part of (allOf as Schema[]).slice(0, maxHops)) {
    const p = isObject(part) && part.allOf === undefined ? follow(part, root) : part;
    if (!isObject(p) || p.if !== undefined) continue;
    all = {
      ...p,
      ...all,
      properties: { ...asObject(p.properties), ...asObject(all.properties) },
      required: [...listOf(p.required), ...listOf(all.required)],
    };
    if (Object.keys(all.properties as object).length === 0) delete all.properties;
    if ((all.required as unknown[]).length === 0) delete all.required;
  }
  return all;
}

/** Finds what a reference within the schema names: "#", or "#/$defs/address". Anything else is anything. */
function at(root: Schema, ref: string): Schema {
  if (ref !== "#" && !ref.startsWith("#/")) return true;
  let v: unknown = root;
  for (const step of decode(ref.slice(1)).split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    v =
      v !== null && typeof v === "object" && Object.hasOwn(v, key)
        ? (v as Record<string, unknown>)[key]
        : undefined;
  }
  return (v ?? true) as Schema;
}

function decode(s: string): string {
  try {
    return decodeURIComponent(s);
  } catch {
    return s;
  }
}

type Obj = { readonly [keyword: string]: unknown };
const isObject = (v: unknown): v is Obj => v !== null && typeof v === "object" && !Array.isArray(v);
const asObject = (v: unknown): Obj => (isObject(v) ? v : {});
const listOf = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
const textOf = (v: unknown): string | undefined => (typeof v === "string" && v !== "" ? v : undefined);
const numberOf = (v: unknown): number | undefined => (typeof v === "number" ? v : undefined);

const kindOfType: Record<string, Json["kind"]> = {
  string: "string",
  number: "number",
  integer: "number",
  boolean: "boolean",
  object: "object",
  array: "array",
  null: "null",
};

function shapeOf(s: Obj, root: Schema): Shape {
  if (s.const !== undefined) return { kind: "choice", options: [optionOf(fromPlain(s.const), s.title)] };
  if (Array.isArray(s.enum))
    return { kind: "choice", options: s.enum.slice(0, maxOptions).map((v) => optionOf(fromPlain(v))) };
  const variants = variantsOf(s, root);
  if (variants) return variants;
  const types =
    typeof s.type === "string" ? [s.type] : listOf(s.type).filter((t): t is string => typeof t === "string");
  const real = types.filter((t) => t !== "null");
  if (real.length > 1)
    return {
      kind: "any",
      kinds: [...new Set(types.map((t) => kindOfType[t]).filter((k) => k !== undefined))],
    };
  switch (real[0] ?? impliedType(s)) {
    case "string":
      return textShape(s);
    case "integer":
    case "number": {
      const low = numberOf(s.minimum) ?? numberOf(s.exclusiveMinimum);
      return {
        kind: "number",
        integer: real[0] === "integer",
        minimum: low,
        maximum: numberOf(s.maximum) ?? numberOf(s.exclusiveMaximum),
      };
    }
    case "boolean":
      return { kind: "boolean" };
    case "object":
      return objectShape(s);
    case "array": {
      const prefix = listOf(s.prefixItems).slice(0, maxVariants) as Schema[];
      const max = Math.min(numberOf(s.maxItems) ?? Infinity, s.items === false ? prefix.length : Infinity);
      return {
        kind: "list",
        prefix,
        items: s.items === undefined ? true : (s.items as Schema),
        min: numberOf(s.minItems) ?? 0,
        max,
      };
    }
  }
  return { kind: "any" };
}

/** The type that keywords speak of, where the schema does not name one. */
function impliedType(s: Obj): string | undefined {
  if (s.properties !== undefined || s.additionalProperties !== undefined || s.patternProperties !== undefined)
    return "object";
  if (s.items !== undefined || s.prefixItems !== undefined) return "array";
  if (s.pattern !== undefined || s.minLength !== undefined || s.maxLength !== undefined) return "string";
  if (s.minimum !== undefined || s.maximum !== undefined) return "number";
  return undefined;
}

function textShape(s: Obj): Shape {
  const format = textOf(s.format);
  const maxLength = numberOf(s.maxLength);
  const media = s.contentMediaType !== undefined || format === "textarea" || format === "multiline";
  return {
    kind: "text",
    format,
    maxLength,
    minLength: numberOf(s.minLength),
    pattern: textOf(s.pattern),
    multiline:
      media ||
      (format === undefined && s.pattern === undefined && (maxLength === undefined || maxLength > 255)),
    examples: listOf(s.examples)
      .filter((e): e is string => typeof e === "string")
      .slice(0, 3),
  };
}

function objectShape(s: Obj): Shape {
  const required = new Set(listOf(s.required));
  const properties = asObject(s.properties);
  const fields = Object.keys(properties)
    .slice(0, maxFields)
    .filter((name) => properties[name] !== false)
    .map((name) => ({ name, schema: properties[name] as Schema, required: required.has(name) }));
  for (const name of required) {
    if (typeof name === "string" && !Object.hasOwn(properties, name))
      fields.push({ name, schema: true, required: true });
  }
  const patterns = Object.values(asObject(s.patternProperties));
  const rest =
    s.additionalProperties === false
      ? (patterns[0] as Schema)
      : s.additionalProperties === undefined
        ? fields.length
          ? undefined
          : ((patterns[0] as Schema) ?? true)
        : (s.additionalProperties as Schema);
  return { kind: "object", fields, rest };
}

/** oneOf and anyOf as choices. Those that only say which keys must be there are no choice of shapes. */
function variantsOf(s: Obj, root: Schema): Shape | undefined {
  const list = (Array.isArray(s.oneOf) ? s.oneOf : listOf(s.anyOf)).slice(0, maxVariants) as Schema[];
  if (list.length === 0) return undefined;
  const read = list.map((v) => follow(v, root));
  const says = (v: Schema) =>
    isObject(v) &&
    Object.keys(v).some(
      (k) => !["required", "not", "title", "description", "dependentRequired", "minProperties"].includes(k),
    );
  if (!read.every(says)) return undefined;
  const isNull = (v: Schema) => isObject(v) && (v.type === "null" || v.const === null);
  if (read.every((v) => isObject(v) && v.const !== undefined)) {
    return {
      kind: "choice",
      options: read.map((v) => optionOf(fromPlain((v as Obj).const), (v as Obj).title)),
    };
  }
  const { oneOf, anyOf, ...beside } = s;
  (void oneOf, anyOf);
  const joined = read
    .filter((v) => !isNull(v))
    .map((v) => {
      const o = v as Obj;
      return isObject(beside.properties) || Array.isArray(beside.required) || beside.type !== undefined
        ? {
            ...beside,
            ...o,
            title: o.title,
            description: o.description,
            properties: { ...asObject(beside.properties), ...asObject(o.properties) },
            required: [...listOf(beside.required), ...listOf(o.required)],
          }
        : o;
    });
  if (joined.length === 1) return shapeOf(joined[0] as Obj, root);
  return {
    kind: "variants",
    variants: joined.map((schema, i) => ({ label: variantLabel(schema, i), schema })),
  };
}

function variantLabel(s: Obj, i: number): string {
  if (typeof s.title === "string" && s.title) return s.title;
  for (const [key, p] of Object.entries(asObject(s.properties))) {
    if (isObject(p) && p.const !== undefined) return `${key}: ${String(p.const)}`;
  }
  return typeof s.type === "string" && !isObject(s.properties)
    ? (typeWords[s.type] ?? s.type)
    : `Form ${i + 1}`;
}

const typeWords: Record<string, string> = {
  string: "Text",
  number: "Number",
  integer: "Number",
  boolean: "Yes or no",
  object: "Object",
  array: "List",
  null: "Null",
};

const optionOf = (value: Json, title?: unknown): { value: Json; label: string } => ({
  value,
  label:
    textOf(title) ??
    (value.kind === "string"
      ? value.value || "(empty text)"
      : value.kind === "number"
        ? value.text
        : stringify(value)),
});

/** Returns the variant whose form a value has, or the one that fits best; 0 without a value. */
export function variantOf(
  variants: readonly { schema: Schema }[],
  value: Json | undefined,
  root: Schema,
): number {
  if (!value) return 0;
  let best = 0,
    bestScore = -1;
  variants.forEach(({ schema }, i) => {
    const score = fit(follow(schema, root), value, root);
    if (score > bestScore) {
      best = i;
      bestScore = score;
    }
  });
  return best;
}

function fit(s: Schema, value: Json, root: Schema): number {
  if (!isObject(s)) return s === false ? -1 : 0;
  const shape = shapeOf(s, root);
  const wants: Partial<Record<Shape["kind"], Json["kind"]>> = {
    text: "string",
    number: "number",
    boolean: "boolean",
    object: "object",
    list: "array",
  };
  if (shape.kind === "choice") return shape.options.some((o) => equal(o.value, value)) ? 10 : -1;
  if (shape.kind === "any") return !shape.kinds || shape.kinds.includes(value.kind) ? 1 : -1;
  const want = wants[shape.kind];
  if (want !== undefined && want !== value.kind) return -1;
  if (shape.kind !== "object") return 2;
  let score = 2;
  for (const f of shape.fields) {
    const m = members(value).get(f.name);
    const fixed = describe(f.schema, root).shape;
    if (fixed.kind === "choice" && fixed.options.length === 1)
      score += m && equal(m, fixed.options[0]!.value) ? 10 : m ? -20 : 0;
    else if (m) score += 1;
    else if (f.required) score -= 1;
  }
  return score;
}

const maxInitialDepth = 4;

/** The value that a new field begins with. */
export function initial(schema: Schema, root: Schema, depth = 0): Json {
  const d = describe(schema, root);
  if (d.default) return d.default;
  switch (d.shape.kind) {
    case "choice":
      return d.shape.options[0]?.value ?? jsonNull;
    case "number":
      return num(Math.max(0, d.shape.minimum ?? 0));
    case "boolean":
      return bool(false);
    case "list": {
      const { min, prefix, items } = d.shape;
      return depth >= maxInitialDepth
        ? arr()
        : arr(
            ...Array.from({ length: Math.min(min, 16) }, (_, i) =>
              initial(prefix[i] ?? items, root, depth + 1),
            ),
          );
    }
    case "object":
      return obj(
        depth >= maxInitialDepth
          ? []
          : d.shape.fields
              .filter((f) => f.required)
              .map((f) => [f.name, initial(f.schema, root, depth + 1)] as const),
      );
    case "variants":
      return initial(d.shape.variants[0]?.schema, root, depth + 1);
    case "any": {
      const kind = d.shape.kinds?.[0];
      return kind === "object"
        ? obj([])
        : kind === "array"
          ? arr()
          : kind === "number"
            ? num(0)
            : kind === "boolean"
              ? bool(false)
              : str("");
    }
    case "text":
      return str("");
  }
}
