// Paths as they stand in templates and in the problems of documents: a.b[0]["any key"]. The grammar is the
// server's, so that a field says the same as validation does.

/** A step into a member, by its key, or into an element, by its index. */
export type Step = string | number;
export type Path = readonly Step[];

/** Where a text stops being a path, in UTF-16 units, and why. */
export class PathError extends Error {
  constructor(
    readonly offset: number,
    reason: string,
  ) {
    super(reason);
  }
}

const keyCharacter = /[_\-$@\p{L}\p{Nd}\p{M}]/u;
const plainKey = /^[_\-$@\p{L}\p{Nd}\p{M}]+$/u;
const maxIndex = 2 ** 31 - 1;

/** Reports whether a key may stand in a path without brackets. */
export const isPlainKey = (key: string): boolean => plainKey.test(key);

/** Writes a path. */
export function pathText(path: Path): string {
  let out = "";
  for (const step of path) {
    if (typeof step === "number") out += `[${step}]`;
    else if (isPlainKey(step)) out += out ? `.${step}` : step;
    else out += `[${JSON.stringify(step)}]`;
  }
  return out;
}

/**
 * Reads the path that text begins with at offset, as in a template: names are letters, digits and _ - $ @
 * with spaces between them, and white space around steps is ignored. Returns it with the offset behind it.
 * Throws a PathError.
 */
export function cutPath(text: string, offset = 0): { path: Step[]; end: number } {
  const reader = new Reader(text, offset, true);
  reader.space();
  const path = reader.path();
  return { path, end: reader.at };
}

/**
 * Reads a text that is one path, whose names are all characters up to a dot or bracket. Returns undefined if
 * it is none.
 */
export function parsePath(text: string): Step[] | undefined {
  const reader = new Reader(text, 0, false);
  try {
    const path = reader.path();
    return reader.at === text.length ? path : undefined;
  } catch {
    return undefined;
  }
}

/** The error for a text that goes on at offset with something other than want. */
export function expected(want: string, text: string, offset: number): PathError {
  const got = text.codePointAt(offset);
  return new PathError(
    offset,
    `${got === undefined ? "the end" : JSON.stringify(String.fromCodePoint(got))} where ${want} should stand`,
  );
}

class Reader {
  constructor(
    private readonly text: string,
    public at: number,
    private readonly template: boolean,
  ) {}

  path(): Step[] {
    const path: Step[] = [];
    for (;;) {
      if (this.take("[")) path.push(this.bracket());
      else if (path.length === 0) path.push(this.name("a path"));
      else if (this.take(".")) {
        if (this.template) this.space();
        path.push(this.name("a key"));
      } else return path;
      if (this.template) this.space();
    }
  }

  space(): void {
    while (this.at < this.text.length && " \t\r\n".includes(this.text[this.at]!)) this.at++;
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }

  private name(want: string): string {
    const start = this.at;
    if (this.template) this.templateName();
    else while (this.at < this.text.length && !".[]".includes(this.text[this.at]!)) this.at++;
    if (this.at === start) throw expected(want, this.text, this.at);
    return this.text.slice(start, this.at);
  }

  private templateName(): void {
    const start = this.at;
    for (let i = start; i < this.text.length;) {
      const c = String.fromCodePoint(this.text.codePointAt(i)!);
      if (keyCharacter.test(c)) this.at = i += c.length;
      else if (c === " " && i > start)
        i++; // within the name, if more of it follows
      else return;
    }
  }

  private bracket(): Step {
    this.space();
    const start = this.at;
    let step: Step;
    if (this.take('"')) {
      while (this.at < this.text.length && this.text[this.at] !== '"')
        this.at += this.text[this.at] === "\\" ? 2 : 1;
      if (!this.take('"')) throw new PathError(start, "a key whose closing quote is missing");
      try {
        step = JSON.parse(this.text.slice(start, this.at)) as string;
      } catch {
        throw new PathError(start, "a key that is not a valid JSON string");
      }
    } else {
      while (/[0-9]/.test(this.text[this.at] ?? "")) this.at++;
      if (this.at === start)
        throw expected("an index such as 0 or a key in double quotes", this.text, this.at);
      step = Number(this.text.slice(start, this.at));
      if (step > maxIndex) throw new PathError(start, "an index that is too large");
    }
    this.space();
    if (!this.take("]")) throw expected('"]"', this.text, this.at);
    return step;
  }
}
