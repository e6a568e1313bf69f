import assert from "node:assert/strict";
import { test } from "node:test";
import { duplicateOf, freeId, idIn, newDocument, suggestId, validId, withActive } from "./documents";

test("an id is suggested from a name", () => {
  for (const [name, id] of [
    ["Order intake", "order-intake"],
    ["  Größe & Maß! ", "grosse-mass"],
    ["Café №5", "cafe-no5"],
    ["注文", ""],
    ["--a__b--", "a-b"],
    ["x".repeat(70), "x".repeat(64)],
    [`${"y".repeat(63)} z`, "y".repeat(63)],
  ] as const) {
    assert.equal(suggestId(name), id);
    assert.ok(id === "" || validId(id));
  }
});

test("an id that is taken gets a number, and stays valid", () => {
  assert.equal(freeId("a", new Set()), "a");
  assert.equal(freeId("a", new Set(["a", "a-2"])), "a-3");
  const long = "x".repeat(64);
  assert.ok(validId(freeId(long, new Set([long]))));
});

test("ids are those that the server takes", () => {
  for (const id of ["a", "9-_", "x".repeat(64)]) assert.ok(validId(id), id);
  for (const id of ["", "-a", "_a", "a b", "ä", "a/b", "x".repeat(65)]) assert.ok(!validId(id), id);
});

test("a new document has its secret and, if it is not the default, its scheme", () => {
  const github = JSON.parse(
    newDocument({ id: "a", name: "A", mode: "lastNode", scheme: "github", secret: "s" }),
  );
  assert.deepEqual(github.nodes[0].config.webhook, {
    responseMode: "lastNode",
    signature: { scheme: "github" },
    secret: "s",
  });
  assert.deepEqual(github.edges, [{ source: "trigger", target: "result" }]);
  const plain = JSON.parse(newDocument({ id: "a", name: "A", mode: "minimal", scheme: "flowtrux" }));
  assert.deepEqual(plain.nodes[0].config.webhook, { responseMode: "minimal" });
});

const source = `{"id": "a", "active": false, "metadata": {"n": 12345678901234567890, "m": 1.0},
  "nodes": [{"id": "x", "type": "transform"},
    {"id": "t", "type": "trigger", "config": {"triggerType": "webhook"}}], "edges": []}`;

test("a duplicate has its own id, name and secret, and every digit", () => {
  const copy = duplicateOf(source, { id: "b", name: "B", secret: "s" });
  assert.match(copy, /12345678901234567890/);
  assert.match(copy, /1\.0/);
  const d = JSON.parse(copy);
  assert.equal(d.id, "b");
  assert.equal(d.name, "B");
  assert.equal(d.nodes[1].config.webhook.secret, "s");
  const manual = duplicateOf(source.replace("webhook", "manual"), { id: "b", name: "B", secret: "s" });
  assert.ok(!manual.includes("secret"));
});

test("a workflow is switched on and off in its document", () => {
  assert.equal(JSON.parse(withActive(source, true)).active, undefined);
  assert.equal(JSON.parse(withActive(withActive(source, true), false)).active, false);
});

test("the id of a text that is no document is not known", () => {
  assert.equal(idIn(source), "a");
  for (const bad of ["", "{", "[]", `{"id": 5}`]) assert.equal(idIn(bad), undefined);
});
