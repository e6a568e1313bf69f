// Finds templates in texts, as the server reads them: {{ path }}, where \{{ is a literal {{.

export interface TemplateStep {
  readonly key: string | number;
  /** Where the step is in the text: with its brackets, or without the dot before it. */
  readonly start: number;
  readonly end: number;
}
export interface Template {
  /** From the first brace to behind the last one. */
  readonly start: number;
  readonly end: number;
  readonly path: readonly TemplateStep[];
}

const nameStep = /[\p{L}\p{N}\p{M}_$@-]+(?: +[\p{L}\p{N}\p{M}_$@-]+)*/uy;
const bracketStep = /\[\s*(?:(\d+)|("(?:[^"\\]|\\.)*"))\s*\]/uy;
const space = /[ \t\r\n]*/y;

/** Returns the templates of a text. Malformed ones are left out; the server rejects them. */
export function templates(text: string): Template[] {
  const found: Template[] = [];
  let done = 0;
  for (;;) {
    const open = text.indexOf("{{", done);
    if (open < 0) return found;
    done = open + 2;
    if (text[open - 1] === "\\") continue;
    const template = readTemplate(text, open);
    if (template) {
      found.push(template);
      done = template.end;
    }
  }
}

function readTemplate(text: string, open: number): Template | undefined {
  let at = open + 2;
  const path: TemplateStep[] = [];
  const skip = () => { space.lastIndex = at; space.test(text); at = space.lastIndex; };
  for (;;) {
    skip();
    if (text.startsWith("}}", at)) return path.length ? { start: open, end: at + 2, path } : undefined;
    let match: RegExpExecArray | null;
    if (text[at] === "[") {
      bracketStep.lastIndex = at;
      match = bracketStep.exec(text);
      const key = match && (match[1] !== undefined ? Number(match[1]) : unquote(match[2]!));
      if (!match || key === null || key === undefined) return undefined;
      path.push({ key, start: at, end: at + match[0].length });
    } else {
      if (path.length) {
        if (text[at] !== ".") return undefined;
        at++;
        skip();
      }
      nameStep.lastIndex = at;
      match = nameStep.exec(text);
      if (!match) return undefined;
      path.push({ key: match[0], start: at, end: at + match[0].length });
    }
    at += match[0].length;
  }
}

function unquote(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

/** Replaces a node's id in the templates of a text. */
export function renameInText(text: string, from: string, to: string): string {
  if (!text.includes(from)) return text;
  let out = "";
  let done = 0;
  for (const { path } of templates(text)) {
    const step = path[1];
    if (path[0]?.key !== "steps" || step?.key !== from) continue;
    const bracket = text[step.start] === "[";
    out += text.slice(done, step.start) + (bracket ? `["${to}"]` : to);
    done = step.end;
  }
  return out + text.slice(done);
}

/** Replaces a node's id in JavaScript that reads steps.<id> or steps["<id>"]. */
export function renameInSource(source: string, from: string, to: string): string {
  if (!source.includes(from)) return source;
  const id = from.replace(/[-]/g, "\\$&");
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(to);
  return source.replace(
    new RegExp(`(?<![\\w$.])steps\\s*(?:(\\?)?\\.\\s*${id}(?![\\w$-])|(\\?\\.)?\\s*\\[\\s*(["'\`])${id}\\3\\s*\\])`, "g"),
    (whole: string, optional: string | undefined, optionalBracket: string | undefined, quote: string | undefined) => {
      if (quote) return whole.replace(`${quote}${from}${quote}`, `${quote}${to}${quote}`);
      if (plain) return whole.slice(0, whole.length - from.length) + to;
      return `steps${optional || optionalBracket ? "?." : ""}["${to}"]`;
    },
  );
}
