// Globals as the page has them: their values keep every digit, since workflows may compare them.
import { type Json, JsonSyntaxError, get, items, parse, stringify, text } from "../json/lossless";

export interface Global {
  key: string;
  /** The value; of a secret global "***". */
  value: Json;
  revision: number;
  /** Its value is never shown. */
  secret: boolean;
}

/** Reads the response of GET globals. */
export function parseGlobals(envelope: string): Global[] {
  return items(get(parse(envelope), "globals")).map((row) => {
    const revision = get(row, "revision");
    return {
      key: text(get(row, "key")) ?? "",
      value: get(row, "value") ?? { kind: "null" },
      revision: revision?.kind === "number" ? Number(revision.text) : 0,
      secret: get(row, "secret")?.kind === "boolean" && (get(row, "secret") as { value: boolean }).value,
    };
  });
}

/** How a value is edited: a text as it is, anything else as JSON. */
export type Form = "text" | "json";

export const formOf = (value: Json): Form => (value.kind === "string" ? "text" : "json");

/** What stands in the field of the editor. */
export const editable = (value: Json): string =>
  value.kind === "string" ? value.value : stringify(value, 2);

/** Makes the body that stores what was typed, or says why it is no JSON. */
export function stored(form: Form, typed: string): { body: string } | { error: string } {
  if (form === "text") return { body: JSON.stringify(typed) };
  try {
    return { body: stringify(parse(typed)) };
  } catch (e) {
    if (e instanceof JsonSyntaxError)
      return { error: `It is no JSON: ${e.message}. A text needs quotes, or is stored as a text.` };
    throw e;
  }
}

/** What a value is, in a word. */
export function kindOf(value: Json): string {
  switch (value.kind) {
    case "string":
      return "text";
    case "boolean":
      return value.value ? "yes" : "no";
    case "array":
      return `list of ${value.items.length.toLocaleString("en")}`;
    case "object":
      return `object with ${value.members.size.toLocaleString("en")}`;
    default:
      return value.kind;
  }
}

/** The beginning of a value, as JSON. A value of any size costs no more than this. */
export function preview(value: Json, max = 300): string {
  switch (value.kind) {
    case "string":
      return JSON.stringify(value.value.slice(0, max)).slice(0, -1) + (value.value.length > max ? "…" : '"');
    case "array":
    case "object": {
      let out = value.kind === "array" ? "[" : "{";
      let first = true;
      const entries: Iterable<[string | number, Json]> =
        value.kind === "array" ? value.items.entries() : value.members;
      for (const [key, member] of entries) {
        if (out.length > max) return out + ", …";
        out +=
          (first ? "" : ", ") +
          (typeof key === "string" ? JSON.stringify(key.slice(0, max)) + ": " : "") +
          preview(member, Math.max(20, max - out.length));
        first = false;
      }
      return out + (value.kind === "array" ? "]" : "}");
    }
    case "number":
      return value.text.slice(0, max);
    default:
      return stringify(value);
  }
}

/** A key is 1 to 256 bytes. */
export const keyProblem = (key: string): string | undefined =>
  key === ""
    ? "Give it a key."
    : new TextEncoder().encode(key).length > 256
      ? "A key has at most 256 bytes."
      : undefined;

/** Keys that begin with this have values that are never shown. */
export const secretPrefix = "__secret";

/** Names the first few characters of a text that a field does not show, or changes the order of: U+202E. */
export function hiddenIn(value: string): string[] {
  const found = new Set<string>();
  for (const [c] of value.matchAll(/[^\t\n\r\P{C}]/gu)) {
    found.add(`U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`);
    if (found.size === 5) break;
  }
  return [...found];
}
