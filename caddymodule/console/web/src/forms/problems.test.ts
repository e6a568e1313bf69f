import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "../json/lossless";
import { lastError, problemMarkers } from "./codeErrors";
import { withOperator } from "./operators";
import { problemsOf, reasonsAt } from "./problems";
import { numberProblem } from "./numbers";

test("problems are found at their fields", () => {
  const own = problemsOf([
    { path: "nodes[2].config.url", reason: "is required" },
    { path: 'nodes[2].config.headers["any key"]', reason: "must be a string" },
    { path: "nodes[12].config.url", reason: "of another node" },
    { path: "nodes[2]", reason: "of the node" },
    { path: "edges[2].source", reason: "of an edge" },
    { path: "", reason: "of the document" },
    { path: "nodes[2].config.a[", reason: "no path" },
  ], 2);
  assert.equal(own.list.length, 3);
  assert.deepEqual(reasonsAt(own, ["config", "url"]), ["is required"]);
  assert.deepEqual(reasonsAt(own, ["config", "headers", "any key"]), ["must be a string"]);
  assert.deepEqual(reasonsAt(own, ["config"]), []);
  assert.deepEqual(reasonsAt(own, ["config", "headers"], true), ['["any key"]: must be a string']);
  assert.deepEqual(reasonsAt(own, []), ["of the node"]);
});

test("errors of code are at their lines", () => {
  assert.deepEqual(problemMarkers([{ reason: "SyntaxError: unexpected token in expression: ';' (line 2, column 11)" }, { reason: "is required" }]),
    [{ line: 2, column: 11, message: "SyntaxError: unexpected token in expression: ';'", tone: "bad" }]);
  const record = { id: "n", state: "failed", code: "code_error", message: "Error: too much (line 4)", detail: "Error: too much\n    at <anonymous> (code:4:13)\n    at call (code:9:1)" };
  const source = "1\n2\n3\n4\n5";
  assert.deepEqual(lastError(record, source)?.marker, { line: 4, column: 13, message: "In the last execution: Error: too much", tone: "warn" });
  assert.deepEqual(lastError({ ...record, detail: undefined }, source)?.marker?.line, 4);
  assert.equal(lastError({ ...record, fixed: { text: '{"source":"other"}' } }, source)?.marker, undefined);
  assert.equal(lastError({ ...record, fixed: { text: '{"source":"other"}' } }, source)?.changed, true);
  assert.equal(lastError(record, "one line")?.marker, undefined);
  assert.equal(lastError({ ...record, code: undefined }, source), undefined);
  assert.equal(lastError(undefined, source), undefined);
});

test("an operator gets the second value that it takes", () => {
  for (const [before, operator, want] of [
    ['{"left":1,"operator":"equals","right":2}', "exists", '{"left":1,"operator":"exists"}'],
    ['{"left":1,"operator":"exists"}', "lessThan", '{"left":1,"operator":"lessThan","right":""}'],
    ['{"left":1,"operator":"equals","right":""}', "in", '{"left":1,"operator":"in","right":[""]}'],
    ['{"left":1,"operator":"equals","right":"{{item}}","x":1}', "in", '{"left":1,"x":1,"operator":"in","right":"{{item}}"}'],
  ] as const) assert.equal(stringify(withOperator(parse(before), operator)), want);
});

test("numbers keep their digits, and what is none is told", () => {
  for (const [text, want] of [["1", undefined], ["-1.50e3", undefined], ["12345678901234567890.10", undefined], ["1.", /not a number/], ["01", /not a number/], ["0x1", /not a number/], ["NaN", /not a number/]] as const) {
    if (want) assert.match(numberProblem(text, {}) ?? "", want, text);
    else assert.equal(numberProblem(text, {}), undefined, text);
  }
  assert.match(numberProblem("1.5", { integer: true }) ?? "", /whole number/);
  assert.match(numberProblem("0", { minimum: 1 }) ?? "", /at least 1/);
  assert.match(numberProblem("9", { maximum: 8 }) ?? "", /at most 8/);
});
