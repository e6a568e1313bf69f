// The difference of two texts by lines, in bounded time: where they differ too much, the rest is one block.

export interface DiffLine {
  kind: "same" | "removed" | "added";
  text: string;
  /** The numbers of the line in both texts, from 1. */
  before?: number;
  after?: number;
}

export interface Diff {
  lines: DiffLine[];
  removed: number;
  added: number;
  /**
   * The texts differ too much to be compared line by line: what is between their common ends is shown as
   * replaced.
   */
  coarse: boolean;
}

/** How many changed lines are found one by one; the work is this times the number of lines. */
const maxEdits = 600;

/** Compares two texts. */
export function diffLines(before: string, after: string): Diff {
  const a = before.split("\n"),
    b = after.split("\n");
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const oldPart = a.slice(head, a.length - tail),
    newPart = b.slice(head, b.length - tail);
  const kept = commonLines(oldPart, newPart);

  const lines: DiffLine[] = [];
  let i = 0,
    j = 0;
  const same = (n: number) => {
    while (n-- > 0) {
      lines.push({ kind: "same", text: a[i]!, before: ++i, after: ++j });
    }
  };
  const to = (x: number, y: number) => {
    while (i < x) lines.push({ kind: "removed", text: a[i]!, before: ++i });
    while (j < y) lines.push({ kind: "added", text: b[j]!, after: ++j });
  };
  same(head);
  for (const [x, y] of kept ?? []) {
    to(head + x, head + y);
    same(1);
  }
  to(a.length - tail, b.length - tail);
  same(tail);
  return {
    lines,
    removed: lines.filter((l) => l.kind === "removed").length,
    added: lines.filter((l) => l.kind === "added").length,
    coarse: kept === undefined,
  };
}

/**
 * The pairs of equal lines that stay, by the algorithm of Myers. Returns undefined when there are too many
 * changes.
 */
function commonLines(a: readonly string[], b: readonly string[]): [number, number][] | undefined {
  const most = Math.min(a.length + b.length, maxEdits);
  const size = 2 * most + 2; // the furthest x of each diagonal, which are counted from -most-1
  const middle = most + 1;
  let furthest = new Int32Array(size + 1);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice());
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[middle + k - 1]! < furthest[middle + k + 1]!);
      let x = down ? furthest[middle + k + 1]! : furthest[middle + k - 1]! + 1;
      let y = x - k;
      while (x < a.length && y < b.length && a[x] === b[y]) {
        x++;
        y++;
      }
      furthest[middle + k] = x;
      if (x >= a.length && y >= b.length) return walkBack(trace, a.length, b.length, middle);
    }
  }
  return undefined;
}

function walkBack(trace: readonly Int32Array[], x: number, y: number, middle: number): [number, number][] {
  const pairs: [number, number][] = [];
  for (let d = trace.length - 1; d >= 0; d--) {
    const furthest = trace[d]!;
    const k = x - y;
    const down = k === -d || (k !== d && furthest[middle + k - 1]! < furthest[middle + k + 1]!);
    const fromX = d === 0 ? 0 : down ? furthest[middle + k + 1]! : furthest[middle + k - 1]!;
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
    const startX = d === 0 ? 0 : down ? fromX : fromX + 1;
    while (x > startX && y > 0 && x > 0) pairs.push([--x, --y]);
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}

export interface Hunk {
  kind: "lines" | "gap";
  lines: DiffLine[];
}

/** The least number of equal lines that are worth hiding. */
const minGap = 3;

/** Splits the lines into what is shown, with context lines around each change, and the gaps between. */
export function hunks(diff: Diff, context = 3): Hunk[] {
  const near = new Uint8Array(diff.lines.length);
  diff.lines.forEach((l, i) => {
    if (l.kind !== "same") near.fill(1, Math.max(0, i - context), i + context + 1);
  });
  const out: Hunk[] = [];
  const add = (kind: Hunk["kind"], lines: DiffLine[]) => {
    const last = out.at(-1);
    if (last?.kind === kind) last.lines = last.lines.concat(lines);
    else if (lines.length > 0) out.push({ kind, lines });
  };
  for (let i = 0; i < near.length;) {
    const next = near.indexOf(near[i] ? 0 : 1, i);
    const lines = diff.lines.slice(i, next < 0 ? near.length : next);
    add(near[i] || lines.length < minGap ? "lines" : "gap", lines);
    i += lines.length;
  }
  return out;
}
