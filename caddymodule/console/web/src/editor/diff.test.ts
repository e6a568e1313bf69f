import assert from "node:assert/strict";
import { test } from "node:test";
import { diffLines, hunks } from "./diff";

const shown = (before: string, after: string): string => diffLines(before, after).lines.map((l) => ({ same: " ", removed: "-", added: "+" })[l.kind] + l.text).join("\n");

test("the shortest difference is found", () => {
  for (const [before, after, want] of [
    ["a\nb\nc", "a\nb\nc", " a\n b\n c"],
    ["a\nb\nc", "a\nx\nc", " a\n-b\n+x\n c"],
    ["", "a", "-\n+a"],
    ["a\nb", "b", "-a\n b"],
    ["b", "a\nb", "+a\n b"],
    ["a\nb\nc\na\nb\nb\na", "c\nb\na\nb\na\nc", "-a\n-b\n c\n+b\n a\n b\n-b\n a\n+c"],
  ] as const) assert.equal(shown(before, after), want, before);
});

/** A generator of numbers that are the same in every run. */
function numbers(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

test("both texts can be made from any difference, with their line numbers", () => {
  const next = numbers(7);
  for (let round = 0; round < 500; round++) {
    const make = () => Array.from({ length: next(12) }, () => "abc"[next(3)]).join("\n");
    const before = make(), after = make();
    const { lines, removed, added } = diffLines(before, after);
    assert.equal(lines.filter((l) => l.kind !== "added").map((l) => l.text).join("\n"), before);
    assert.equal(lines.filter((l) => l.kind !== "removed").map((l) => l.text).join("\n"), after);
    assert.deepEqual(lines.flatMap((l) => l.before ?? []), before.split("\n").map((_, i) => i + 1));
    assert.deepEqual(lines.flatMap((l) => l.after ?? []), after.split("\n").map((_, i) => i + 1));
    assert.equal(removed + added, before.split("\n").length + after.split("\n").length - 2 * longestCommon(before.split("\n"), after.split("\n")), `${before}|${after}`);
  }
});

function longestCommon(a: string[], b: string[]): number {
  const row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    let diagonal = 0;
    b.forEach((y, j) => {
      const above = row[j + 1]!;
      row[j + 1] = x === y ? diagonal + 1 : Math.max(above, row[j]!);
      diagonal = above;
    });
  }
  return row[b.length]!;
}

test("texts that differ everywhere are compared in bounded time", () => {
  const many = (letter: string) => Array.from({ length: 40_000 }, (_, i) => `${letter}${i}`).join("\n");
  const began = performance.now();
  const d = diffLines(`same\n${many("a")}\nend`, `same\n${many("b")}\nend`);
  assert.ok(performance.now() - began < 2000);
  assert.ok(d.coarse);
  assert.equal(d.lines[0]?.kind, "same");
  assert.equal(d.lines.at(-1)?.kind, "same");
});

test("equal lines far from a change are gaps", () => {
  const text = Array.from({ length: 30 }, (_, i) => String(i)).join("\n");
  const parts = hunks(diffLines(text, text.replace("\n15\n", "\nx\n")));
  assert.deepEqual(parts.map((p) => [p.kind, p.lines.length]), [["gap", 12], ["lines", 8], ["gap", 11]]);
  assert.deepEqual(hunks(diffLines("a\nb\nc\nd\ne", "x\nb\nc\nd\ne")).map((p) => p.kind), ["lines"]);
});
