// Completion of templates: where the caret stands in one, and what can be put there.
import { type Json, stringify } from "../json/lossless";
import { type Path, pathText } from "./path";
import type { Root, Scope } from "./scope";

/**
 * A template that is being written: what is typed of its path, and the part of the text that a choice
 * replaces.
 */
export interface Place {
  query: string;
  from: number;
  to: number;
}

/**
 * Finds the template around the caret: from behind its "{{" to before its "}}", or to the caret if it is not
 * closed. Returns undefined if the caret is in literal text.
 */
export function placeAt(text: string, caret: number): Place | undefined {
  const open = text.lastIndexOf("{{", caret - 1);
  if (open < 0 || open + 2 > caret || text[open - 1] === "\\" || text.slice(open + 2, caret).includes("}}"))
    return undefined;
  const close = text.indexOf("}}", caret);
  const next = text.indexOf("{{", caret);
  const closed = close >= 0 && (next < 0 || close < next);
  const line = text.slice(caret).search(/[\r\n"]/);
  const to = closed && (line < 0 || caret + line > close) ? close : caret;
  return { query: text.slice(open + 2, caret).trimStart(), from: open + 2, to };
}

/** Puts a path where the caret is, and returns the new text with the place of the caret. */
export function insertPath(text: string, caret: number, path: string): { text: string; caret: number } {
  const place = placeAt(text, caret);
  if (!place)
    return { text: text.slice(0, caret) + `{{${path}}}` + text.slice(caret), caret: caret + path.length + 4 };
  const rest = text.slice(place.to);
  const close = rest.startsWith("}}") ? "" : rest.startsWith("}") ? "}" : "}}";
  return { text: text.slice(0, place.from) + path + close + rest, caret: place.from + path.length + 2 };
}

export interface Suggestion {
  path: string;
  /** What it is: the beginning of its last value, or words about it. */
  about: string;
  /** The kind of its value, or "" if it is not known. */
  kind: Json["kind"] | "";
}

const maxDepth = 6;
const maxMembers = 200;
const maxPaths = 2000;
const maxShown = 60;
const maxAbout = 48;

/** Finds what can be put in place of query: what begins with it first, then what contains it. */
export function suggest(scope: Scope, query: string): Suggestion[] {
  const wanted = query.toLowerCase().replace(/\s+$/, "");
  const begins: Suggestion[] = [];
  const contains: Suggestion[] = [];
  let seen = 0;
  const add = (path: Path, v: Json | undefined, about: string) => {
    const text = pathText(path);
    const low = text.toLowerCase();
    const at = low.indexOf(wanted);
    if (at < 0) return;
    (at === 0 ? begins : contains).push({
      path: text,
      about: v ? short(v) || about : about,
      kind: v?.kind ?? "",
    });
  };
  const walk = (path: Path, v: Json | undefined, about: string, depth: number) => {
    if (seen++ >= maxPaths) return;
    add(path, v, about);
    if (!v || (depth >= maxDepth && !wanted.startsWith(pathText(path).toLowerCase()))) return;
    if (v.kind === "array") {
      if (v.items[0]) walk([...path, 0], v.items[0], "the first element", depth + 1);
      return;
    }
    if (v.kind !== "object") return;
    let n = 0;
    for (const [key, m] of v.members) {
      if (n++ >= maxMembers) break;
      if (key === "_query" && path.length === 2 && path[0] === "trigger") continue; // it has its own root
      walk([...path, key], m, "", depth + 1);
    }
  };
  for (const root of byUse(scope.roots)) walk(root.path, root.known().value, root.about, 0);
  return [...begins, ...contains].slice(0, maxShown);
}

/** Long headers go behind what is used more. */
const byUse = (roots: readonly Root[]): Root[] =>
  [...roots].sort((a, b) => Number(a.path[1] === "headers") - Number(b.path[1] === "headers"));

function short(v: Json): string {
  if (v.kind === "object")
    return `{${[...v.members.keys()].slice(0, 5).join(", ")}${v.members.size > 5 ? ", …" : ""}}`.slice(
      0,
      maxAbout,
    );
  if (v.kind === "array") return `${v.items.length} ${v.items.length === 1 ? "element" : "elements"}`;
  const text = v.kind === "string" ? JSON.stringify(v.value.slice(0, maxAbout)) : stringify(v);
  return text.length > maxAbout ? text.slice(0, maxAbout - 1) + "…" : text;
}
