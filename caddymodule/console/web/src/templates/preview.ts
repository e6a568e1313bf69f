// What a field gives for the last event, by the rules of the server: a string that is one template keeps the
// type of its value; in any other string, values become text.
import { type Json, jsonNull, str, stringify } from "../json/lossless";
import { parseText } from "./parse";
import { pathText } from "./path";
import { lookUp, type Scope } from "./scope";

export interface Preview {
  /** What the field gives; undefined = it is not known, and notes say why. */
  value?: Json;
  notes: string[];
  /** Why validation rejects the field. */
  error?: string;
}

/** Previews a string. Returns undefined if it has no templates. */
export function previewText(s: string, scope: Scope): Preview | undefined {
  if (!s.includes("{{")) return undefined;
  const { parts, error } = parseText(s);
  if (error) return { notes: [], error: `malformed template at column ${error.column}: ${error.reason}` };
  const templates = parts.filter((p) => p.kind === "template");
  if (templates.length === 0)
    return { value: str(parts.map((p) => (p.kind === "text" ? p.text : "")).join("")), notes: [] };
  const notes: string[] = [];
  const whole = parts.length === 1;
  let out = "";
  let known = true;
  let value: Json = jsonNull;
  for (const part of parts) {
    if (part.kind === "text") {
      out += part.text;
      continue;
    }
    const name = pathText(part.path);
    const found = lookUp(scope, part.path);
    if (found.note) notes.push(`${name}: ${found.note}`);
    if (found.wrong) {
      if (part.path[0] !== "global" || typeof part.path[1] !== "string")
        return { notes: [], error: found.wrong };
      notes.push(found.wrong);
    } else if (found.missing) notes.push(`${name} is missing, which gives ${whole ? "null" : "empty text"}`);
    else if (found.why) {
      notes.push(`${name} ${found.why}`);
      known = false;
    } else if (found.value === undefined) known = false;
    if (found.masked) notes.push(`${name} is masked here; the node gets the real value`);
    value = found.value ?? jsonNull;
    if (!whole) out += asText(found.value);
  }
  if (!known) return { notes };
  return { value: whole ? value : str(out), notes };
}

/** A value within text. */
export function asText(v: Json | undefined): string {
  if (!v || v.kind === "null") return "";
  return v.kind === "string" ? v.value : stringify(v);
}
