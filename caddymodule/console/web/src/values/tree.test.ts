import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../json/lossless";
import { autoOpen, cut, isLong, keyAction, noState, pageSize, rowsOf, showMore, toggle } from "./tree";

const keys = (source: string, budget?: number) => {
  const root = parse(source);
  return rowsOf(root, autoOpen(root, budget), noState).map((r) => r.id);
};

test("a small value is open in full", () => {
  assert.deepEqual(keys(`{"a":{"b":[1,2]},"c":{},"d/e":[]}`), [
    "",
    "/a",
    "/a/b",
    "/a/b/0",
    "/a/b/1",
    "/c",
    "/d~1e",
  ]);
});

test("of a large value the outline is open", () => {
  const inner = `[${Array.from({ length: 30 }, (_, i) => i).join()}]`;
  assert.deepEqual(
    keys(`{"a":${inner},"b":${inner},"c":{"d":1}}`, 40).filter((id) => id.split("/").length === 2),
    ["/a", "/b", "/c"],
  );
  assert.equal(keys(`{"a":${inner},"b":${inner},"c":{"d":1}}`, 40).length, 1 + 3 + 30 + 1);
});

test("keys that look alike have rows of their own", () => {
  const ids = keys(`{"a/b":{"c":1},"a":{"b":{"c":2}},"a~1b":{"c":3},"0":[4]}`);
  assert.equal(new Set(ids).size, ids.length);
});

test("long arrays are shown in steps", () => {
  const root = parse(`[${Array.from({ length: 250 }, (_, i) => i).join()}]`);
  const auto = autoOpen(root);
  let rows = rowsOf(root, auto, noState);
  assert.equal(rows.length, 1 + pageSize + 1);
  assert.equal(rows.at(-1)!.more, 150);
  let state = showMore(noState, rows.at(-1)!);
  rows = rowsOf(root, auto, state);
  assert.equal(rows.at(-1)!.more, 50);
  state = showMore(state, rows.at(-1)!);
  rows = rowsOf(root, auto, state);
  assert.equal(rows.length, 251);
  assert.equal(rows.at(-1)!.more, undefined);
});

test("a value of 1 MiB makes few rows, quickly", () => {
  const item = `{"id":12345678901234567890,"tags":["a","b"],"address":{"street":"x","zip":"1"}}`;
  const root = parse(`{"items":[${Array.from({ length: 13_000 }, () => item).join()}]}`);
  const before = performance.now();
  const rows = rowsOf(root, autoOpen(root), noState);
  assert.ok(performance.now() - before < 50);
  assert.deepEqual(
    rows.map((r) => r.id),
    ["", "/items"],
  );
  const open = rowsOf(root, autoOpen(root), toggle(noState, rows[1]!));
  assert.equal(open.length, 2 + pageSize + 1);
});

test("values nested 512 deep are shown", () => {
  const root = parse("[".repeat(512) + "]".repeat(512));
  assert.equal(rowsOf(root, autoOpen(root), noState).length, 40);
});

test("keys move, open and close", () => {
  const root = parse(`{"a":{"b":1},"text":"x\\ny"}`);
  const auto = autoOpen(root);
  let state = noState;
  let rows = rowsOf(root, auto, state);
  const press = (key: string, id: string) => keyAction(key, rows, id);
  assert.deepEqual(press("ArrowDown", ""), { focus: "/a" });
  assert.deepEqual(press("ArrowUp", ""), { focus: "" });
  assert.deepEqual(press("End", ""), { focus: "/text" });
  assert.deepEqual(press("ArrowDown", "/text"), { focus: "/text" });
  assert.deepEqual(press("ArrowLeft", "/a/b"), { focus: "/a" });
  assert.deepEqual(press("ArrowRight", "/a"), { focus: "/a/b" });
  assert.deepEqual(press("Enter", "/text"), { more: true });
  assert.equal(press("Enter", "/a/b"), undefined);
  assert.equal(press("x", "/a"), undefined);
  assert.deepEqual(press("ArrowLeft", "/a"), { toggle: true });
  state = toggle(state, rows[1]!);
  rows = rowsOf(root, auto, state);
  assert.deepEqual(
    rows.map((r) => r.id),
    ["", "/a", "/text"],
  );
  assert.deepEqual(press("ArrowRight", "/a"), { toggle: true });
});

test("a text is cut between characters", () => {
  assert.equal(cut("ab😀", 3), "ab");
  assert.equal(cut("ab😀", 4), "ab😀");
  assert.ok(isLong("a\nb"));
  assert.ok(!isLong("a".repeat(160)));
});
