// Strings that may hold templates, parsed as the server does.
import { cutPath, expected, type Path, PathError } from "./path";

/**
 * A piece of a string: literal text, or a template with its path. from and to are where it stands, in UTF-16
 * units.
 */
export type Part =
  | { kind: "text"; text: string; from: number; to: number }
  | { kind: "template"; path: Path; from: number; to: number };

export type Parsed =
  | { parts: Part[]; error?: undefined }
  | {
      /** The parts before the mistake. */
      parts: Part[];
      error: { offset: number; column: number; reason: string };
    };

/** Splits a string into literal text and templates. */
export function parseText(s: string): Parsed {
  const parts: Part[] = [];
  const literal = (text: string, from: number, to: number) => {
    if (text) parts.push({ kind: "text", text, from, to });
  };
  let done = 0;
  for (;;) {
    const open = s.indexOf("{{", done);
    if (open < 0) {
      literal(s.slice(done), done, s.length);
      return { parts };
    }
    if (open > done && s[open - 1] === "\\") {
      literal(s.slice(done, open - 1), done, open - 1);
      literal("{{", open - 1, open + 2);
      done = open + 2;
      continue;
    }
    literal(s.slice(done, open), done, open);
    try {
      const { path, end } = cutPath(s, open + 2);
      if (!s.startsWith("}}", end)) throw expected('"}}" or another step of the path', s, end);
      parts.push({ kind: "template", path, from: open, to: end + 2 });
      done = end + 2;
    } catch (e) {
      if (!(e instanceof PathError)) throw e;
      return {
        parts,
        error: { offset: e.offset, column: [...s.slice(0, e.offset)].length + 1, reason: e.message },
      };
    }
  }
}

/** Reports whether a string holds a template, or tries to. */
export function hasTemplate(s: string): boolean {
  if (!s.includes("{{")) return false;
  const { parts, error } = parseText(s);
  return error !== undefined || parts.some((p) => p.kind === "template");
}

/** The path of a string that is one template and nothing else: it keeps the type of its value. */
export function wholeTemplate(s: string): Path | undefined {
  const { parts, error } = parseText(s);
  const [only] = parts;
  return !error && parts.length === 1 && only?.kind === "template" ? only.path : undefined;
}

/** Writes literal text so that no template is found in it. */
export const escapeText = (s: string): string => s.replaceAll("{{", "\\{{");
