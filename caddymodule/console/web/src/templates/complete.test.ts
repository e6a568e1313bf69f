import assert from "node:assert/strict";
import { test } from "node:test";
import { obj, parse, num } from "../json/lossless";
import { insertPath, placeAt, suggest } from "./complete";
import { scopeOf } from "./scope";

/** Splits a text at its caret, which is |. */
const at = (marked: string): [string, number] => [marked.replace("|", ""), marked.indexOf("|")];

test("the template around the caret", () => {
  for (const [marked, want] of [
    ["{{|", ""], ["a {{tri|gger.data}} b", "tri"], ["{{ trigger.|}}", "trigger."], ["{{a}} {{b|", "b"], ["{{a|\nmore", "a"],
    ["|{{a}}", undefined], ["{{a}}|", undefined], ["{|{a}}", undefined], ["\\{{a|}}", undefined], ["text|", undefined],
  ] as const) {
    assert.equal(placeAt(...at(marked))?.query, want, marked);
  }
});

test("a choice replaces the path that is there, and closes the template", () => {
  for (const [marked, path, want] of [
    ["{{|", "trigger.data", "{{trigger.data}}|"],
    ["{{tri|}}", "trigger.data", "{{trigger.data}}|"],
    ["{{tri|gger.data.x}} b", "item", "{{item}}| b"],
    ["{{tri|}", "item", "{{item}}|"],
    ["a {{x|\nmore {{y}}", "item", "a {{item}}|\nmore {{y}}"],
    ["a| b", "item", "a{{item}}| b"],
    ["|", "item", "{{item}}|"],
  ] as const) {
    const put = insertPath(...at(marked), path);
    assert.deepEqual([put.text, put.caret], at(want), marked);
  }
});

const document = parse(`{"id":"w","nodes":[{"id":"t","type":"trigger"},{"id":"fetch","type":"http-request","name":"Fetch it"},{"id":"n","type":"any","forEach":"{{trigger.data.items}}"},
  {"id":"later","type":"any"}],"edges":[{"source":"t","target":"fetch"},{"source":"fetch","target":"n"},{"source":"n","target":"later"}]}`);
const sample = {
  id: "exec-1", workflow: "w", revision: 1, acceptedAt: "", status: "succeeded" as const,
  trigger: { data: { text: '{"items":[{"sku":"a"}],"any key":{"deep":{"er":{"and":{"on":{"x":1}}}}},"_query":{"q":"1"}}' }, receivedAt: "2026-01-01T00:00:00Z" },
  nodes: [{ id: "fetch", state: "completed", output: { text: '{"status":200,"body":{"total":2.50}}' } }],
};
const scope = scopeOf({ document, node: "n", sample, globals: new Map([["api_url", num(1)]]), inForEach: true });
const paths = (query: string) => suggest(scope, query).map((s) => s.path);

test("what can be named is offered: real keys of the event, nodes upstream, globals, items", () => {
  const all = paths("");
  for (const want of ["trigger.data", "trigger.data.items", "trigger.data.items[0].sku", 'trigger.data["any key"].deep', "trigger.data._query.q", "steps.fetch.output.body.total",
    "global.api_url", "item.sku", "index", "trigger.headers", "trigger.method", "execution.id", "workflow.name"]) assert.ok(all.includes(want), want);
  assert.ok(!all.some((p) => p.startsWith("steps.later") || p.startsWith("steps.n.")));
  assert.equal(all.filter((p) => p === "trigger.data._query").length, 1);
});

test("what begins with the text comes first, then what contains it", () => {
  assert.deepEqual(paths("steps."), ["steps.fetch.output", "steps.fetch.output.status", "steps.fetch.output.body", "steps.fetch.output.body.total"]);
  assert.deepEqual(paths("SKU"), ["trigger.data.items[0].sku", "item.sku"]);
  assert.deepEqual(paths("nothing"), []);
  assert.deepEqual(paths('trigger.data["any key"].deep.er.and.on.'), ['trigger.data["any key"].deep.er.and.on.x']);
});

test("a suggestion says what it was", () => {
  const about = new Map(suggest(scope, "").map((s) => [s.path, [s.about, s.kind]]));
  assert.deepEqual(about.get("steps.fetch.output.body.total"), ["2.50", "number"]);
  assert.deepEqual(about.get("trigger.data.items"), ["1 element", "array"]);
  assert.deepEqual(about.get("steps.fetch.output"), ["{status, body}", "object"]);
});

test("large events are offered in part", () => {
  const many = obj(Array.from({ length: 5000 }, (_, i) => [`k${i}`, obj(Array.from({ length: 50 }, (_, j) => [`m${j}`, num(j)] as const))] as const));
  const big = scopeOf({ document, node: "n", sample, globals: new Map([["big", many]]), inForEach: true });
  const began = performance.now();
  assert.ok(suggest(big, "").length <= 60);
  assert.ok(suggest(big, "zzz").length === 0);
  assert.ok(performance.now() - began < 500);
});
