import assert from "node:assert/strict";
import { test } from "node:test";
import { equal, get, type Json, obj, parse, set, str, stringify } from "../json/lossless";
import { byType, downstream, flow, handles, upstream } from "./document";
import {
  addNode,
  connect,
  deleteNodes,
  disconnect,
  duplicate,
  type Edit,
  freeId,
  insertOnEdge,
  moveInPlan,
  renameHandle,
  renameNode,
  setPositions,
} from "./edits";
import { contentOf, Draft, textOf } from "./drafts";
import { format } from "./format";

const order = parse(`{
  "id": "order", "metadata": {"team": 1.50, "n": 12345678901234567890},
  "nodes": [
    {"id": "trigger", "type": "trigger", "config": {"triggerType": "webhook",
      "webhook": {"responseMode": "specificNode", "responseNodeId": "normalize"}}},
    {"id": "normalize", "type": "transform", "position": {"x": 1, "y": 2, "pinned": true},
      "config": {"output": {"total": "{{ trigger.data.total }}", "rate": 1.10}}},
    {"id": "large", "type": "switch", "config": {"value": "{{steps.normalize.output.total}}",
      "cases": [{"name": "big", "operator": "greaterThan", "value": 1e3}]}},
    {"id": "tell", "type": "code", "forEach": "{{steps[\\"normalize\\"].output.lines}}",
      "config": {"source": "return steps.normalize.output + steps['large'].output"}}
  ],
  "edges": [
    {"source": "trigger", "target": "normalize"},
    {"source": "normalize", "target": "large"},
    {"source": "large", "target": "tell", "sourceHandle": "big"}
  ]
}`);
const types = byType(
  [
    { type: "transform" },
    { type: "code" },
    { type: "switch", handles: ["default"], handlesFrom: "cases[].name" },
    { type: "condition", handles: ["true", "false"] },
  ].map((t) => ({
    version: "1",
    summary: "",
    source: "",
    builtin: true,
    digest: "",
    memory: 0,
    timeout: "",
    ...t,
  })),
);

function done(e: Edit): Json {
  assert.equal(e.refused, undefined);
  return (e as { document: Json }).document;
}

test("a document is read in plan order", () => {
  const f = flow(order);
  assert.deepEqual(
    f.plan.map((n) => n.id),
    ["trigger", "normalize", "large", "tell"],
  );
  assert.deepEqual([...f.layers.values()], [0, 1, 2, 3]);
  assert.deepEqual([...upstream(order, "large")].sort(), ["normalize", "trigger"]);
  assert.deepEqual([...downstream(order, "normalize")].sort(), ["large", "tell"]);
  assert.deepEqual(
    handles(order, "large", types).map((h) => h.name),
    ["big", "default", "error"],
  );
  assert.deepEqual(
    handles(order, "tell", types).map((h) => h.name),
    [undefined, "error"],
  );
  assert.deepEqual(
    handles(order, "trigger", types).map((h) => h.name),
    [undefined],
  );
});

test("a wrong document is read as far as possible", () => {
  const f = flow(
    parse(
      `{"nodes": [1, {"id": "a", "type": "x"}, {"id": "a"}, {"id": "b"}, {"type": 3}],
        "edges": [{"source": "a", "target": "b"}, {"source": "b", "target": "a"}, {"source": "a", "target": "c"}, null]}`,
    ),
  );
  assert.deepEqual(
    f.plan.map((n) => n.id),
    ["a", "b"],
  );
  assert.equal(f.unreadable, 5);
  assert.equal(flow(parse(`{"nodes": {}, "edges": 3}`)).nodes.length, 0);
});

test("a new id is followed by templates, scripts, edges and responseNodeId", () => {
  const next = done(renameNode(order, "normalize", "clean-up"));
  const text = stringify(next);
  assert.equal(text.includes("normalize"), false, text);
  assert.equal(
    get(next, "nodes", 2, "config", "value")?.kind === "string" &&
      (get(next, "nodes", 2, "config", "value") as { value: string }).value,
    "{{steps.clean-up.output.total}}",
  );
  assert.match(text, /steps\[\\"clean-up\\"\]\.output \+ steps\['large'\]/);
  assert.match(text, /12345678901234567890/);
  assert.match(text, /"rate":1\.10/);
  assert.equal(renameNode(order, "normalize", "large").refused, "Another node has the ID large.");
  assert.match(renameNode(order, "normalize", "a b").refused ?? "", /letter or digit/);
});

test("edges that must not be are refused", () => {
  assert.match(connect(order, "tell", "normalize").refused ?? "", /cycle/);
  assert.match(connect(order, "tell", "tell").refused ?? "", /itself/);
  assert.match(connect(order, "large", "trigger").refused ?? "", /trigger/);
  assert.match(connect(order, "normalize", "large").refused ?? "", /already/);
  assert.match(connect(order, "normalize", "nobody").refused ?? "", /no node nobody/);
  assert.match(deleteNodes(order, ["trigger"]).refused ?? "", /needs its trigger/);
  assert.match(duplicate(order, ["trigger"]).refused ?? "", /one trigger/);
  assert.match(insertOnEdge(order, 9, "tell").refused ?? "", /no such edge/);
});

test("a node goes into an edge, and a chain stays one without it", () => {
  const added = addNode(order, "transform", obj([["output", str("x")]]), { edge: 2 });
  const next = done(added);
  assert.equal((added as { node?: string }).node, "transform");
  assert.deepEqual(
    flow(next).edges.map((e) => [e.source, e.target, e.handle]),
    [
      ["trigger", "normalize", undefined],
      ["normalize", "large", undefined],
      ["large", "transform", "big"],
      ["transform", "tell", undefined],
    ],
  );
  const back = done(deleteNodes(next, ["transform"]));
  assert.equal(equal(back, order), true);
});

test("what came before a deleted node leads to what came after it, unless it chose", () => {
  const wide = done(connect(done(connect(order, "trigger", "tell")), "normalize", "tell"));
  const ends = (document: Json) =>
    flow(document).edges.map((e) => [e.source, e.target, e.handle].join(" ").trim());
  assert.deepEqual(ends(done(deleteNodes(wide, ["normalize"]))), [
    "large tell big",
    "trigger tell",
    "trigger large",
  ]);
  const chooses = done(addNode(wide, "transform", obj([]), { after: "large", handle: "default" }));
  assert.deepEqual(ends(done(deleteNodes(chooses, ["large"]))), [
    "trigger normalize",
    "trigger tell",
    "normalize tell",
  ]);
});

test("copies lead where their originals do, and read each other", () => {
  const next = done(duplicate(order, ["large", "tell"]));
  const f = flow(next);
  assert.deepEqual(
    f.into.get("large-2")?.map((e) => [e.source, e.handle]),
    [["normalize", undefined]],
  );
  assert.deepEqual(
    f.into.get("tell-2")?.map((e) => [e.source, e.handle]),
    [["large-2", "big"]],
  );
  assert.match(stringify(f.byId.get("tell-2")!.value), /steps\['large-2'\]/);
});

test("positions keep what else is in them, and a renamed case keeps its edges", () => {
  const moved = done(setPositions(order, new Map([["normalize", { x: 10.4, y: -3 }]])));
  assert.equal(stringify(get(moved, "nodes", 1, "position")!), `{"x":10,"y":-3,"pinned":true}`);
  assert.equal(flow(renameHandle(order, "large", "big", "huge")).edges[2]?.handle, "huge");
});

/** Numbers from a seed, so that a failure can be repeated. */
function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

function anyEdit(document: Json, below: (n: number) => number): Edit {
  const f = flow(document);
  const node = (): string => f.nodes[below(f.nodes.length)]?.id ?? "nobody";
  const handle = [undefined, "true", "error"][below(3)];
  switch (below(11)) {
    case 0:
      return addNode(document, ["transform", "switch", "code"][below(3)]!, obj([]), {
        after: node(),
        handle,
      });
    case 1:
      return addNode(document, "transform", obj([]), { edge: below(f.edges.length + 1) });
    case 2:
      return connect(document, node(), node(), handle);
    case 3:
      return disconnect(document, below(f.edges.length + 1));
    case 4:
      return deleteNodes(document, below(3) ? [node()] : [node(), node()]);
    case 5:
      return duplicate(
        document,
        [node(), node()].filter((id, i, all) => all.indexOf(id) === i),
      );
    case 6:
      return renameNode(document, node(), ["normalize", "x", "y-1", "bad id"][below(4)]!);
    case 7: {
      const path = [
        "nodes",
        below(f.nodes.length),
        "config",
        ["output", "value"][below(2)]!,
        "deep",
        below(3),
      ];
      return { document: set(document, path, str(`{{steps.${node()}.output}}`)) };
    }
    case 8:
      return {
        document: set(document, ["nodes", below(f.nodes.length), "name"], below(2) ? str("N") : undefined),
      };
    case 9:
      return moveInPlan(document, node(), below(2) ? 1 : -1);
    default:
      return setPositions(document, new Map([[node(), { x: below(900), y: below(900) }]]));
  }
}

test("any edits keep a document valid: unique ids, edges between them, no cycle, all unknown keys", () => {
  for (let seed = 1; seed <= 150; seed++) {
    const below = random(seed);
    let document = order;
    for (let i = 0; i < 60; i++) {
      const edit = anyEdit(document, below);
      if (edit.refused !== undefined) {
        assert.ok(edit.refused.endsWith("."), edit.refused);
        continue;
      }
      document = edit.document;
      const f = flow(document);
      assert.equal(f.unreadable, 0, `seed ${seed}, step ${i}`);
      for (const e of f.edges)
        assert.ok(f.layers.get(e.source)! < f.layers.get(e.target)!, `seed ${seed}, step ${i}: a cycle`);
      assert.equal(
        new Set(f.edges.map((e) => JSON.stringify([e.source, e.target, e.handle]))).size,
        f.edges.length,
        `seed ${seed}, step ${i}: an edge twice`,
      );
      assert.equal(f.nodes.filter((n) => n.type === "trigger").length, 1);
    }
    assert.ok(equal(parse(format(document)), document), `seed ${seed}`);
    assert.equal(stringify(parse(format(document))), stringify(document), `seed ${seed}: the order of keys`);
    assert.match(stringify(document), /"metadata":\{"team":1\.50,"n":12345678901234567890\}/);
    assert.ok(!flow(document).byId.has(freeId(document, "transform")));
  }
});

test("undo returns exactly what was there, and redo what came after", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const below = random(seed);
    const draft = new Draft("order", { revision: 1, text: stringify(order) });
    const texts = [draft.text];
    for (let i = 0; i < 40; i++) {
      const before = draft.content;
      if (below(5) === 0) draft.type(below(2) ? draft.text + " " : draft.text.slice(1));
      else {
        const edit = anyEdit(draft.document, below);
        if (edit.refused === undefined) draft.edit(edit.document, below(3) ? undefined : "key");
      }
      if (!draft.canUndo || draft.content === before) continue;
      const now = draft.text;
      draft.undo();
      texts.push(draft.text);
      draft.redo();
      assert.equal(draft.text, now, `seed ${seed}, step ${i}`);
    }
    while (draft.canUndo) draft.undo();
    assert.equal(draft.text, texts[0], `seed ${seed}`);
    assert.equal(draft.dirty, false);
  }
});

test("a text that is no document keeps the last one beside it", () => {
  const draft = new Draft("order", { revision: 7, text: stringify(order) });
  draft.type("{");
  assert.equal(draft.content.error?.line, 1);
  assert.equal(draft.document, contentOf(textOf(draft.content), draft.document).document);
  assert.equal(draft.dirty, true);
  draft.type("[]");
  assert.match(draft.content.error?.message ?? "", /object/);
  draft.undo();
  assert.equal(draft.text, stringify(order));
});
