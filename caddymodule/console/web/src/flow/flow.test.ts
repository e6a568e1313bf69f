import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "../json/lossless";
import { dirtyDrafts, Draft, draftOf, dropDraft, hasDraft, openDraft } from "./drafts";
import { format } from "./format";
import { History, maxSteps, maxWeight, typingPause } from "./history";
import { renameInSource, renameInText } from "./rename";

test("an id is renamed in templates, and nowhere else", () => {
  for (const [text, want] of [
    ['{{steps.a.output}} and {{ steps[ "a" ].output.a }}', "{{steps.b-1.output}} and {{steps.b-1.output.a}}"],
    [
      "{{steps.ab.output}} {{trigger.steps.a}} steps.a \\{{steps.a}}",
      "{{steps.ab.output}} {{trigger.steps.a}} steps.a \\{{steps.a}}",
    ],
    ['{{steps.a[0]["x y"]}} {{steps.a.', '{{steps.b-1[0]["x y"]}} {{steps.a.'],
    ['{{global["{{steps.a}}"]}}', '{{global["{{steps.a}}"]}}'],
  ] as const)
    assert.equal(renameInText(text, "a", "b-1"), want);
});

test("an id is renamed in scripts", () => {
  for (const [source, to, want] of [
    [
      "steps.a.output + steps.ab + my.steps.a + xsteps.a",
      "b",
      "steps.b.output + steps.ab + my.steps.a + xsteps.a",
    ],
    ["steps.a.output", "b-1", 'steps["b-1"].output'],
    [
      "steps?.a?.output ?? steps[ 'a' ] ?? steps?.[`a`]",
      "b-1",
      "steps?.[\"b-1\"]?.output ?? steps[ 'b-1' ] ?? steps?.[`b-1`]",
    ],
  ] as const)
    assert.equal(renameInSource(source, "a", to), want);
});

test("short values stay on a line when a document is written", () => {
  const text = `{
  "id": "a",
  "nodes": [
    {"id": "trigger", "type": "trigger", "config": {"triggerType": "webhook"}},
    {
      "id": "b",
      "type": "transform",
      "config": {"output": {"total": 1.50, "text": "{{trigger.data.a.long.path}} and more text"}}
    }
  ],
  "edges": [{"source": "trigger", "target": "b"}],
  "metadata": {}
}
`;
  assert.equal(format(parse(text)), text);
  assert.equal(stringify(parse(text)), stringify(parse(format(parse(text)))));
});

test("history joins typing, and has bounds", () => {
  let now = 0;
  const h = new History(
    { n: 0 },
    (v) => (v.n === -1 ? maxWeight : 1),
    () => now,
  );
  h.push({ n: 1 }, "name");
  h.push({ n: 2 }, "name");
  now += typingPause;
  h.push({ n: 3 }, "name");
  h.push({ n: 4 }, "url");
  h.push({ n: 5 });
  const seen: number[] = [];
  while (h.canUndo) {
    h.undo();
    seen.push(h.value.n);
  }
  assert.deepEqual(seen, [4, 3, 2, 0]);
  h.redo();
  h.push({ n: 9 });
  assert.equal(h.canRedo, false);
  for (let n = 0; n < 2 * maxSteps; n++) h.push({ n });
  let steps = 0;
  while (h.canUndo) {
    h.undo();
    steps++;
  }
  assert.equal(steps, maxSteps);
  h.push({ n: -1 });
  h.push({ n: 1 });
  h.push({ n: 2 });
  steps = 0;
  while (h.canUndo) {
    h.undo();
    steps++;
  }
  assert.equal(steps, 1);
});

test("a draft knows whether there is something to save", () => {
  const draft = openDraft("w", { revision: 3, text: "{}" });
  assert.equal(hasDraft("w"), false);
  draft.edit(parse(`{"name": "x"}`));
  assert.deepEqual(dirtyDrafts(), ["w"]);
  draft.saved(4, draft.text);
  assert.equal(hasDraft("w"), false);
  draft.undo();
  assert.equal(hasDraft("w"), true);
  draft.take({ revision: 9, text: `{"theirs": 1}` });
  assert.equal(draft.dirty, false);
  draft.undo();
  assert.equal(draft.text, "{}");
  assert.equal(draft.base.revision, 9);
  dropDraft("w");
  assert.equal(draftOf("w"), undefined);
  assert.equal(new Draft("new", { revision: 0, text: "" }, "{}").dirty, true);
});

test("drafts without changes are forgotten, the oldest first", () => {
  for (let i = 0; i < 30; i++) openDraft(`w${i}`, { revision: 1, text: "{}" });
  assert.equal(draftOf("w0"), undefined);
  assert.notEqual(draftOf("w29"), undefined);
  const changed = openDraft("kept", { revision: 1, text: "{}" }, "{ }");
  for (let i = 0; i < 30; i++) openDraft(`x${i}`, { revision: 1, text: "{}" });
  assert.equal(draftOf("kept"), changed);
});
