import assert from "node:assert/strict";
import { test } from "node:test";
import { cutPath, isPlainKey, parsePath, type Path, PathError, pathText } from "./path";

/** Writes a path with every key in brackets. */
const spell = (path: Path): string => path.map((s) => (typeof s === "number" ? `[${s}]` : `["${s}"]`)).join("");

// The table of TestPaths in nodes/rawjson: the server reads these texts so.
const no = "an error";
const paths: [text: string, parsed: string, cut: string, rest: string][] = [
  ["a", '["a"]', '["a"]', ""],
  ['a.b[0]["any key"]', '["a"]["b"][0]["any key"]', '["a"]["b"][0]["any key"]', ""],
  ["[0][ 1 ]", "[0][1]", "[0][1]", ""],
  ['[ "a.b" ].c', '["a.b"]["c"]', '["a.b"]["c"]', ""],
  ["é-_$@1", '["é-_$@1"]', '["é-_$@1"]', ""],
  ["[2147483647]", "[2147483647]", "[2147483647]", ""],
  ["a b.c", '["a b"]["c"]', '["a b"]["c"]', ""],
  ["a  b", '["a  b"]', '["a  b"]', ""],
  [" a . b ", '[" a "][" b "]', '["a"]["b"]', ""],
  ["a\t.b", '["a\t"]["b"]', '["a"]["b"]', ""],
  ["a\tb", '["a\tb"]', '["a"]', "b"],
  ["xml:lang", '["xml:lang"]', '["xml"]', ":lang"],
  ["a | upper", '["a | upper"]', '["a"]', "| upper"],
  ["a}}", '["a}}"]', '["a"]', "}}"],
  ["a }}b", '["a }}b"]', '["a"]', "}}b"],
  ["a]", no, '["a"]', "]"],
  ["a[0]b", no, '["a"][0]', "b"],
  ['["a"] x', no, '["a"]', "x"],
  ...["", ".", ".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[1", 'a["b', 'a["b\\"]', 'a["\\x"]', "a[2147483648]"]
    .map((text): [string, string, string, string] => [text, no, no, ""]),
];

test("paths are read as on the server", () => {
  for (const [text, parsed, cut, rest] of paths) {
    const whole = parsePath(text);
    assert.equal(whole ? spell(whole) : no, parsed, text);
    let got = no;
    try {
      const { path, end } = cutPath(text);
      got = spell(path);
      assert.equal(text.slice(end), rest, text);
    } catch (e) {
      assert.ok(e instanceof PathError && e.offset <= text.length && e.message !== "", text);
    }
    assert.equal(got, cut, text);
  }
});

test("half of a surrogate pair is a key by itself", () => {
  assert.deepEqual(parsePath('["\\ud800"]'), ["\ud800"]);
  assert.deepEqual(cutPath('["\\ud800"]').path, ["\ud800"]);
});

test("what is written is read again", () => {
  for (const path of [["a"], ["trigger", "data", "first.name", 3, "é-_$@1"], ["a b", ""], [0, "x"], ['q"]}}', "\ud800", "\\"]] as Path[]) {
    const text = pathText(path);
    assert.deepEqual(parsePath(text), path, text);
    assert.deepEqual(cutPath(text).path, path, text);
  }
  assert.equal(pathText(["trigger", "data", "any key", 0]), 'trigger.data["any key"][0]');
});

test("keys that need no brackets", () => {
  for (const [key, want] of [["a", true], ["é-_$@1", true], ["", false], ["a b", false], ["a.b", false]] as const) assert.equal(isPlainKey(key), want, key);
});
