import assert from "node:assert/strict";
import { test } from "node:test";
import {
  equal,
  get,
  type Json,
  JsonSyntaxError,
  maxDepth,
  num,
  obj,
  parse,
  set,
  str,
  stringify,
} from "./lossless";

test("what is read is written with the same text", () => {
  for (const text of [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1.0",
    "1e5",
    "1E+05",
    "12345678901234567890.00000000000000000001",
    '""',
    "[]",
    "{}",
    '{"b":1,"a":{"2":0,"1":0}}',
    '[1,[2,{"x":[]}]]',
    '"\\ud83d"',
    '"é\u2028"',
    '{"":1,"__proto__":2,"constructor":3}',
  ])
    assert.equal(stringify(parse(text)), text.replace('"\\ud83d"', '"\\ud83d"'));
});

test("white space around tokens is skipped, and written with an indent", () => {
  assert.equal(
    stringify(parse(' {\r\n\t"a" : [ 1 , 2 ] , "b" : { } } '), 2),
    '{\n  "a": [\n    1,\n    2\n  ],\n  "b": {}\n}',
  );
});

test("of repeated keys the last one counts, in its place", () => {
  assert.equal(stringify(parse('{"a":1,"b":2,"a":3}')), '{"b":2,"a":3}');
});

test("mistakes are named with their place", () => {
  for (const [text, line, column, message] of [
    ["", 1, 1, /ends too early/],
    ["{", 1, 2, /key in quotes/],
    ['{"a" 1}', 1, 6, /colon/],
    ["[1 2]", 1, 4, /comma or a closing bracket/],
    ['{"a":1 "b":2}', 1, 8, /comma or a closing brace/],
    ["1 2", 1, 3, /more text/],
    ["01", 1, 2, /more text/],
    ["nul", 1, 1, /value is expected/],
    ['"a\nb"', 1, 1, /not closed/],
    ['"\\x"', 1, 1, /wrong escape/],
    ['{\n  "😀😀": ?}', 2, 9, /value is expected/], // code points, not code units
    ["[1,]", 1, 4, /value is expected/],
    ["{'a':1}", 1, 2, /key in quotes/],
  ] as const) {
    assert.throws(
      () => parse(text),
      (e) => {
        assert.ok(e instanceof JsonSyntaxError);
        assert.match(e.message, message, text);
        assert.deepEqual([e.line, e.column], [line, column], text);
        return true;
      },
    );
  }
});

test("nesting has a bound", () => {
  const nested = (n: number) => "[".repeat(n) + "]".repeat(n);
  assert.equal(stringify(parse(nested(maxDepth))), nested(maxDepth));
  assert.throws(() => parse(nested(maxDepth + 1)), /nested deeper/);
  assert.throws(() => parse("[".repeat(1e6)), /nested deeper/);
});

test("long texts are read", () => {
  const long = "x".repeat(8 << 20);
  assert.equal(stringify(parse(`{"a":"${long}"}`)).length, long.length + 8);
  const escaped = '"' + "\\n".repeat(1 << 20) + '"';
  assert.equal(stringify(parse(escaped)), escaped);
});

test("an edit leaves the value as it was", () => {
  const v = parse('{"a":{"b":[1,2,3]},"c":1.0}');
  assert.equal(stringify(set(v, ["a", "b", 1], str("x"))), '{"a":{"b":[1,"x",3]},"c":1.0}');
  assert.equal(stringify(set(v, ["a", "b", 0], undefined)), '{"a":{"b":[2,3]},"c":1.0}');
  assert.equal(stringify(set(v, ["a"], undefined)), '{"c":1.0}');
  assert.equal(stringify(set(v, ["d", "e"], num(7))), '{"a":{"b":[1,2,3]},"c":1.0,"d":{"e":7}}');
  assert.equal(stringify(v), '{"a":{"b":[1,2,3]},"c":1.0}');
});

test("values are equal whatever the order of keys, but not with other digits", () => {
  const same = (a: string, b: string) => equal(parse(a), parse(b));
  assert.ok(same('{"a":1,"b":[null,true]}', ' {"b":[null, true],"a":1}'));
  assert.ok(!same("1", "1.0"));
  assert.ok(!same("[1,2]", "[2,1]"));
  assert.ok(!same('{"a":null}', "{}"));
  assert.ok(!same('"1"', "1"));
});

test("a place that is not there is undefined", () => {
  const v: Json = obj({ a: obj({ b: str("x") }), left: undefined });
  assert.equal(stringify(v), '{"a":{"b":"x"}}');
  assert.deepEqual(get(v, "a", "b"), str("x"));
  assert.equal(get(v, "a", 0), undefined);
  assert.equal(get(v, "toString"), undefined);
  assert.equal(get(undefined, "a"), undefined);
});
