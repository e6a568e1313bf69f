import assert from "node:assert/strict";
import { test } from "node:test";
import { windowOf } from "./window";

test("a short list is shown whole", () => {
  assert.deepEqual(windowOf(5, 50, 200, 800), { first: 0, end: 5, before: 0, after: 0 });
});

test("of a long list, the rows in view and some around them are shown, and the rest keeps its height", () => {
  for (const top of [300, 0, -1, -4_999, -25_000, -49_000, -60_000, 5_000]) {
    const w = windowOf(1000, 50, top, 800);
    assert.equal(w.before + (w.end - w.first) * 50 + w.after, 50_000);
    assert.ok(w.end - w.first <= 16 + 1 + 2 * 12, `${w.end - w.first} rows`);
    for (let i = 0; i < 1000; i++) {
      const y = top + i * 50;
      if (y + 50 > 0 && y < 800) assert.ok(i >= w.first && i < w.end, `row ${i} is in view at ${top}`);
    }
  }
});
