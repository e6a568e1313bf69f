import assert from "node:assert/strict";
import { test } from "node:test";
import type { Status, Summary } from "../api/types";
import {
  firstPage,
  isFull,
  maxRows,
  maxWaiting,
  nextPage,
  noRows,
  type Rows,
  showWaiting,
  withEvent,
} from "./rows";

const row = (id: string, status: Status = "succeeded"): Summary => ({
  id,
  workflow: "w",
  revision: 1,
  acceptedAt: "",
  status,
});
const ids = (rows: readonly Summary[]) => rows.map((r) => r.id).join(" ");
const list = (text: string, next?: string): Rows => ({
  ...noRows,
  shown: text.split(" ").map((id) => row(id)),
  next,
});

test("pages follow each other without gaps or repetitions", () => {
  let rows = firstPage(noRows, [row("e"), row("d")], "d");
  rows = nextPage(rows, [row("d"), row("c"), row("b")], "b");
  assert.equal(ids(rows.shown), "e d c b");
  assert.equal(rows.next, "b");
});

test("the first page, loaded again, keeps the pages behind it", () => {
  const rows = firstPage(list("f e d c b", "b"), [row("h"), row("g"), row("f"), row("e")], "e");
  assert.equal(ids(rows.shown), "h g f e d c b");
  assert.equal(rows.next, "b");
});

test("the first page, loaded again, leaves no gap when too much is new", () => {
  const rows = firstPage(list("c b a"), [row("h"), row("g")], "g");
  assert.equal(ids(rows.shown), "h g");
  assert.equal(rows.next, "g");
});

test("an event changes its row in place, also when the filter does not match any more", () => {
  const rows = withEvent(
    { ...list("c a"), shown: [row("c"), row("b", "running"), row("a")] },
    row("b", "failed"),
    false,
    false,
  );
  assert.equal(rows.shown[1]!.status, "failed");
  assert.equal(ids(rows.shown), "c b a");
});

test("an old event changes nothing", () => {
  const rows = list("b a");
  assert.equal(withEvent(rows, row("b", "running"), true, true), rows);
});

test("new rows wait while one reads", () => {
  let rows = withEvent(list("b a"), row("c", "running"), true, false);
  rows = withEvent(rows, row("d", "running"), true, false);
  rows = withEvent(rows, row("c", "succeeded"), true, false);
  assert.equal(ids(rows.shown), "b a");
  assert.equal(ids(rows.waiting), "d c");
  rows = withEvent(rows, row("d", "succeeded"), false, false);
  assert.equal(ids(rows.waiting), "c");
  rows = showWaiting(rows);
  assert.equal(ids(rows.shown), "c b a");
  assert.equal(rows.shown[0]!.status, "succeeded");
  assert.equal(rows.waiting.length, 0);
});

test("at the top new rows are shown in their place", () => {
  assert.equal(ids(withEvent(list("d b"), row("c"), true, true).shown), "d c b");
  assert.equal(ids(withEvent(noRows, row("c"), true, true).shown), "c");
  assert.equal(ids(withEvent(list("d b"), row("c"), false, true).shown), "d b");
});

test("what belongs to a page that is not loaded comes with that page", () => {
  assert.equal(ids(withEvent(list("d c", "c"), row("a"), true, true).shown), "d c");
  assert.equal(ids(withEvent(list("d c"), row("a"), true, true).shown), "d c a");
});

test("rows are bounded, waiting ones too", () => {
  let rows: Rows = noRows;
  for (let i = 0; i < maxWaiting + 7; i++)
    rows = withEvent(rows, row(`n${String(i).padStart(6, "0")}`), true, false);
  assert.equal(rows.waiting.length, maxWaiting);
  assert.equal(rows.missed, 7);
  const page = Array.from({ length: maxRows }, (_, i) => row(`m${String(maxRows - i).padStart(6, "0")}`));
  rows = firstPage(rows, page, "x");
  assert.ok(isFull(rows));
  assert.equal(withEvent(rows, row("z"), true, true).shown.length, maxRows);
  assert.equal(nextPage(rows, [row("a")], undefined).shown.length, maxRows);
});
