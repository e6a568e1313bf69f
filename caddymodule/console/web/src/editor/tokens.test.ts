import assert from "node:assert/strict";
import { test } from "node:test";
import { type Language, type State, tokens } from "./tokens";

const short: Record<string, string> = { key: "k", string: "s", template: "t", number: "n", word: "w", comment: "c", call: "f", invalid: "!" };

/** The kinds of the characters of a text, by line: "." has no color. */
function colors(language: Language, text: string): string {
  let state: State = "";
  return text.split("\n").map((line) => {
    const out = [...".".repeat(line.length)];
    let done = 0;
    const read = tokens(language, line, state);
    for (const t of read.tokens) {
      assert.ok(t.from >= done && t.to > t.from && t.to <= line.length, `${line}: ${JSON.stringify(t)}`);
      out.fill(short[t.kind]!, t.from, t.to);
      done = t.to;
    }
    state = read.state;
    return out.join("");
  }).join("\n");
}

test("JSON has colors, and templates in its texts", () => {
  for (const [text, want] of [
    ['{"a": "b", "c" :1.5e3}', ".kkk..sss..kkk..nnnnn."],
    ['["x {{a.b}} y", true, null, -1]', ".ssstttttttsss..wwww..wwww..nn."],
    ['"x {{a}} y"', "ssstttttsss"],
    [String.raw`"\"q\\" x`, "sssssss.!"],
    [String.raw`"\{{a}}"`, "ssssssss"],
    ['"not closed', "sssssssssss"],
    ["nul, tru", "!!!..!!!"],
  ] as const) assert.equal(colors("json", text), want, text);
});

test("JavaScript has colors, also over lines", () => {
  for (const [text, want] of [
    ["const a = f(1) // x", "wwwww.....f.n..cccc"],
    ["a /* b\nc */ 'd'", "..cccc\ncccc.sss"],
    ["x.if = {b: y.c}", "..kk....k....k."],
    ["a / b / c", "........."],
    ["return /[/]\\//g.test(b)", "wwwwww.ssssssss.ffff..."],
    ["(1) / 2", ".n....n"],
    ["`a ${b + `c`} d` e", "sssww....ssswsss.."],
    ["`a\nb ${ {c: 1} }\nd` f", "ss\nssww..k..n..w\nss.."],
    ['"it\'s" \'"\'', "ssssss.sss"],
    ["0xFFn 1_000.5e-3 .5", "nnnnn.nnnnnnnnnn.nn"],
  ] as const) assert.equal(colors("javascript", text), want, text);
});

test("any text ends, and every character has one color at most", () => {
  const odd = ["`", "${", "}", "/", "\\", '"', "'", "/*", "*/", "\n", "a", " ", "{", "\ud800", "é", "$"];
  let seed = 1;
  const next = () => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % odd.length;
  for (let i = 0; i < 3000; i++) {
    const text = Array.from({ length: 12 }, () => odd[next()]).join("");
    colors("javascript", text);
    colors("json", text);
  }
});
