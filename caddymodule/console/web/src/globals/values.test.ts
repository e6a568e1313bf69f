import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "../json/lossless";
import { editable, formOf, hiddenIn, keyProblem, parseGlobals, preview, stored } from "./values";

test("values keep their digits from the list to what is stored", () => {
  const [big, one, text] = parseGlobals(`{"globals":[
    {"key":"big","value":12345678901234567890,"revision":3,"secret":false},
    {"key":"one","value":{"b":1.0,"a":[1e400]},"revision":4,"secret":false},
    {"key":"__secret_x","value":"***","revision":5,"secret":true}]}`);
  assert.equal(editable(big!.value), "12345678901234567890");
  assert.deepEqual(stored(formOf(one!.value), editable(one!.value)), { body: `{"b":1.0,"a":[1e400]}` });
  assert.deepEqual([text!.secret, big!.secret, big!.revision], [true, false, 3]);
});

test("a text is stored as a text, also if it reads like a number", () => {
  assert.deepEqual(stored("text", "5"), { body: `"5"` });
  assert.deepEqual(stored("text", `a "b"\n`), { body: `"a \\"b\\"\\n"` });
  assert.equal(formOf(parse(`"5"`)), "text");
  assert.deepEqual(stored("json", " 5 "), { body: "5" });
});

test("what is no JSON is refused with its place", () => {
  const result = stored("json", "{\n  a: 1}");
  assert.ok("error" in result);
  assert.match(result.error, /line 2, column 3/);
});

test("the beginning of a value is short, however large the value is", () => {
  assert.equal(preview(parse(`{"a": [1, 2.50, null], "b": "x"}`)), `{"a": [1, 2.50, null], "b": "x"}`);
  for (const large of [
    `"${"x".repeat(1 << 20)}"`,
    `[${"1,".repeat(100_000)}1]`,
    `{"${"k".repeat(5000)}":{"${"k".repeat(5000)}":1}}`,
    "9".repeat(5000),
  ]) {
    const short = preview(parse(large), 100);
    assert.ok(short.length < 500, `${short.length} characters`);
  }
  assert.ok(preview(parse("[".repeat(500) + "]".repeat(500))).length < 1500);
});

test("a key has a length", () => {
  assert.equal(keyProblem("a"), undefined);
  assert.ok(keyProblem(""));
  assert.ok(keyProblem("ä".repeat(129)));
  assert.equal(keyProblem("ä".repeat(128)), undefined);
});

test("characters that a field does not show are named", () => {
  assert.deepEqual(hiddenIn("a\u202eb\u200b\u0007c\u202e"), ["U+202E", "U+200B", "U+0007"]);
  assert.deepEqual(hiddenIn("line\n\ttab äöü 注文 🙂"), []);
});
