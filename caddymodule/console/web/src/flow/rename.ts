// A node's id in what names it.
import { parseText } from "../templates/parse";
import { pathText } from "../templates/path";

/** Replaces a node's id in the templates of a text. */
export function renameInText(text: string, from: string, to: string): string {
  if (!text.includes(from)) return text;
  let out = "";
  let done = 0;
  for (const part of parseText(text).parts) {
    if (part.kind !== "template" || part.path[0] !== "steps" || part.path[1] !== from) continue;
    out += `${text.slice(done, part.from)}{{${pathText(["steps", to, ...part.path.slice(2)])}}}`;
    done = part.to;
  }
  return out + text.slice(done);
}

/** Replaces a node's id in JavaScript that reads steps.<id> or steps["<id>"]. */
export function renameInSource(source: string, from: string, to: string): string {
  if (!source.includes(from)) return source;
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(to);
  const id = from.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  const byName = `(\\?)?\\.\\s*${id}(?![\\w$-])`;
  const byKey = `(?:\\?\\.)?\\s*\\[\\s*(["'\`])${id}\\2\\s*\\]`;
  return source.replace(
    new RegExp(`(?<![\\w$.])steps\\s*(?:${byName}|${byKey})`, "g"),
    (whole: string, optional: string | undefined, quote: string | undefined) => {
      if (quote) return whole.replace(`${quote}${from}${quote}`, `${quote}${to}${quote}`);
      if (plain) return whole.slice(0, whole.length - from.length) + to;
      return `steps${optional ? "?." : ""}["${to}"]`;
    },
  );
}
