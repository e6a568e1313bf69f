import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, duration, line, plural, visible } from "./text";

test("what cannot be seen, or changes the direction of text, is made visible", () => {
  assert.equal(visible("a\tb\nc"), "a\tb\nc");
  assert.equal(visible("\u0000\u001b[31m\u007f"), "⟨U+0000⟩⟨U+001B⟩[31m⟨U+007F⟩");
  assert.equal(
    visible("user\u202Egnp.exe\u2066\u2069\u200f\u061c"),
    "user⟨U+202E⟩gnp.exe⟨U+2066⟩⟨U+2069⟩⟨U+200F⟩⟨U+061C⟩",
  );
  assert.equal(visible("\ud83d alone, 😀 whole, \udc00"), "⟨U+D83D⟩ alone, 😀 whole, ⟨U+DC00⟩");
  assert.equal(visible("<b>é漢字ع</b>"), "<b>é漢字ع</b>");
});

test("a line is one line and short", () => {
  assert.equal(line(" a \n b\t c "), "a b c");
  assert.equal(line("x".repeat(1 << 20)).length, 200);
  assert.equal(line("x".repeat(200)).length, 200);
  assert.equal(line("abcdef", 4), "abc…");
});

test("numbers are written as people read them", () => {
  assert.deepEqual(
    [plural(1, "node"), plural(0, "node"), plural(1234, "entry", "entries")],
    ["1 node", "0 nodes", "1,234 entries"],
  );
  assert.deepEqual([0, 1023, 1024, 1536, 1 << 20, 5e15].map(bytes), [
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "1 MiB",
    "4547 TiB",
  ]);
  assert.deepEqual([0, 999, 12_345, 1.5e6, 2.1e9, 59.9e9, 200e9, 3600e9, 90061e9].map(duration), [
    "0 ns",
    "999 ns",
    "12.3 µs",
    "1.5 ms",
    "2.1 s",
    "59.9 s",
    "3 min 20 s",
    "1 h 0 min",
    "25 h 1 min",
  ]);
});

test("times are told from now", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  assert.deepEqual(
    [0, 1, 3, 59, 60, 3600, 48 * 3600, -90].map((s) => ago(now - s * 1000, now)),
    ["now", "now", "3 s ago", "59 s ago", "1 min ago", "1 h ago", "2 d ago", "in 2 min"],
  );
});
