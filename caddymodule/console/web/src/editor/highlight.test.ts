import assert from "node:assert/strict";
import { test } from "node:test";
import { codeTokens, jsonTokens, type Token } from "./highlight";

const words = (source: string, tokens: readonly Token[]) => tokens.map((t) => `${t.kind}:${source.slice(t.from, t.to)}`);

test("JSON", () => {
  for (const [line, want] of [
    [`  "total": 1.50e3,`, [`key:"total"`, "number:1.50e3"]],
    [`"a \\"b\\" c", true, null`, [`string:"a \\"b\\" c"`, "word:true", "word:null"]],
    [`"to": "for {{trigger.data.x}}!"`, [`key:"to"`, `string:"for `, "template:{{trigger.data.x}}", `string:!"`]],
    [`"\\{{no}}"`, [`string:"\\{{no}}"`]],
    [`"open`, [`string:"open`]],
    [`nul, tru`, ["invalid:nul", "invalid:tru"]],
  ] as const) assert.deepEqual(words(line, jsonTokens(line)), want, line);
});

test("JavaScript", () => {
  for (const [source, want] of [
    ["return input.total * 1.2; // tax", ["word:return", "number:1.2", "comment:// tax"]],
    ["a / b / c", []],
    ["x = /[/]\\/\"/g.test(s)", [`string:/[/]\\/"/g`, "call:test"]],
    ["`a ${b}\nc` + 'd\\'e'", ["string:`a ${b}\nc`", "string:'d\\'e'"]],
    ["/* a\n b */ async function f() {}", ["comment:/* a\n b */", "word:async", "word:function", "call:f"]],
    ["if (x) return (y) / 2; this / 2", ["word:if", "word:return", "number:2", "word:this", "number:2"]],
    ["o.return.new()", ["call:new"]],
    ["größe(null)", ["call:größe", "number:null"]],
    ["/* open", ["comment:/* open"]],
  ] as const) assert.deepEqual(words(source, codeTokens(source)), want, source);
});

test("tokens are in order and do not overlap", () => {
  const parts = ["\"", "'", "`", "/", "*", "\\", "{{", "}}", "a", " ", "\n", "1", "(", ")", "return", "."];
  let seed = 1;
  for (let round = 0; round < 2000; round++) {
    let source = "";
    for (let i = 0; i < 30; i++) source += parts[(seed = (seed * 48271) % 2147483647) % parts.length];
    for (const tokens of [jsonTokens(source), codeTokens(source)]) {
      let end = 0;
      for (const t of tokens) {
        assert.ok(t.from >= end && t.to > t.from && t.to <= source.length, JSON.stringify(source));
        end = t.to;
      }
    }
  }
});
