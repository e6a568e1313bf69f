// How documents are written after an edit: short values on one line, long ones on several, as people write
// them.
import { type Json, stringify } from "../json/lossless";

/** How long a line may become before its value is written on several. */
const width = 100;

/** Writes a document with an indent of two spaces. */
export function format(v: Json): string {
  const out: string[] = [];
  write(v, "\n", 0, 0, out);
  return out.join("") + "\n";
}

/** column is where the value begins, after is what has to follow it on its line. */
function write(v: Json, line: string, column: number, after: number, out: string[]): void {
  const entries = v.kind === "object" ? v.members.size : v.kind === "array" ? v.items.length : 0;
  const flat = entries === 0 ? stringify(v) : oneLine(v, width - column - after);
  if (flat !== undefined) {
    out.push(flat);
    return;
  }
  const inner = line + "  ";
  let left = entries;
  const each = (prefix: string, value: Json) => {
    out.push(inner, prefix);
    write(value, inner, inner.length - 1 + prefix.length, --left ? 1 : 0, out);
    if (left) out.push(",");
  };
  if (v.kind === "object") {
    out.push("{");
    for (const [key, member] of v.members) each(JSON.stringify(key) + ": ", member);
    out.push(line, "}");
  } else if (v.kind === "array") {
    out.push("[");
    for (const item of v.items) each("", item);
    out.push(line, "]");
  }
}

/** Writes a value on one line, or returns undefined if it needs more than room characters or holds much. */
function oneLine(v: Json, room: number): string | undefined {
  let left = room;
  let text = "";
  const add = (s: string): boolean => {
    text += s;
    left -= s.length;
    return left >= 0;
  };
  const put = (value: Json, depth: number): boolean => {
    if (depth > 3) return false;
    if (value.kind === "array") {
      if (!add("[")) return false;
      for (const [i, item] of value.items.entries())
        if ((i && !add(", ")) || !put(item, depth + 1)) return false;
      return add("]");
    }
    if (value.kind === "object") {
      if (!add("{")) return false;
      let first = true;
      for (const [key, member] of value.members) {
        if (!add(`${first ? "" : ", "}${JSON.stringify(key)}: `) || !put(member, depth + 1)) return false;
        first = false;
      }
      return add("}");
    }
    return value.kind === "string" && value.value.length > left ? false : add(stringify(value));
  };
  return put(v, 0) ? text : undefined;
}
