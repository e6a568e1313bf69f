import assert from "node:assert/strict";
import { test } from "node:test";
import { flow } from "../flow/document";
import { setPositions } from "../flow/edits";
import { arr, obj, parse, str } from "../json/lossless";
import { autoLayout, freePlace, layout, nodeHeight, nodeWidth } from "./layout";
import { curve, routeAround } from "./route";
import { scene, type States, taken } from "./scene";

type Edges = readonly (readonly [source: string, target: string, handle?: string])[];
const graph = (ids: readonly string[], edges: Edges) =>
  obj({
    nodes: arr(...ids.map((id) => obj({ id: str(id), type: str(id === "t" ? "trigger" : "transform") }))),
    edges: arr(
      ...edges.map(([s, t, h]) =>
        obj({ source: str(s), target: str(t), sourceHandle: h === undefined ? undefined : str(h) }),
      ),
    ),
  });

function random(seed: number): (below: number) => number {
  return (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
}

function anyGraph(n: number, seed: number) {
  const below = random(seed);
  const ids = ["t", ...Array.from({ length: n - 1 }, (_, i) => `n${i}`)];
  const edges: [string, string][] = [];
  for (let i = 1; i < n; i++) {
    edges.push([ids[Math.max(0, i - 1 - below(6))]!, ids[i]!]);
    if (below(3) === 0) edges.push([ids[below(i)]!, ids[i]!]);
  }
  return graph(
    ids,
    edges.filter((e, i) => edges.findIndex((o) => o[0] === e[0] && o[1] === e[1]) === i),
  );
}

test("a chain is straight, and goes to the right", () => {
  const { positions } = autoLayout(
    graph(
      ["t", "a", "b"],
      [
        ["t", "a"],
        ["a", "b"],
      ],
    ),
  );
  assert.deepEqual(
    [...positions.values()].map((p) => p.y),
    [0, 0, 0],
  );
  assert.ok(positions.get("t")!.x < positions.get("a")!.x && positions.get("a")!.x < positions.get("b")!.x);
});

test("a branch stands in the middle of what it leads to", () => {
  const { positions } = autoLayout(
    graph(
      ["t", "a", "b"],
      [
        ["t", "a"],
        ["t", "b"],
      ],
    ),
  );
  assert.equal(positions.get("t")!.y, (positions.get("a")!.y + positions.get("b")!.y) / 2);
});

test("edges do not cross if they need not", () => {
  const { positions } = autoLayout(
    graph(
      ["t", "a", "b", "x", "y"],
      [
        ["t", "a"],
        ["t", "b"],
        ["a", "y"],
        ["b", "x"],
      ],
    ),
  );
  assert.equal(positions.get("a")!.y < positions.get("b")!.y, positions.get("y")!.y < positions.get("x")!.y);
});

test("nodes never overlap, and lanes pass beside them", () => {
  for (const [n, seed] of [
    [5, 1],
    [20, 2],
    [60, 3],
    [60, 4],
    [256, 5],
    [256, 6],
  ] as const) {
    const document = anyGraph(n, seed);
    const l = autoLayout(document);
    const all = [...l.positions];
    assert.equal(all.length, n);
    for (const [i, [a, p]] of all.entries())
      for (const [b, q] of all.slice(i + 1)) {
        assert.ok(
          Math.abs(p.x - q.x) >= nodeWidth || Math.abs(p.y - q.y) >= nodeHeight,
          `${n}/${seed}: ${a} and ${b} overlap`,
        );
      }
    for (const { edge, points } of l.routes)
      for (const w of points)
        for (const [id, p] of all) {
          assert.ok(
            w.x <= p.x - 1 || w.x > p.x + nodeWidth || w.y < p.y || w.y > p.y + nodeHeight,
            `${n}/${seed}: ${edge.source}→${edge.target} crosses ${id}`,
          );
        }
    for (const e of flow(document).edges)
      assert.ok(l.positions.get(e.source)!.x < l.positions.get(e.target)!.x);
  }
});

test("any document has a layout: empty, with cycles, with far too many edges", () => {
  assert.equal(layout(parse("{}")).positions.size, 0);
  assert.equal(
    autoLayout(
      graph(
        ["a", "b"],
        [
          ["a", "b"],
          ["b", "a"],
        ],
      ),
    ).positions.size,
    2,
  );
  const ids = ["t", ...Array.from({ length: 255 }, (_, i) => `n${i}`)];
  const all = graph(
    ids,
    ids.flatMap((s, i) => ids.slice(i + 1).map((t) => [s, t] as const)),
  );
  const begun = performance.now();
  assert.equal(scene(all, new Map(), true).nodes.length, 256);
  assert.ok(performance.now() - begun < 5000);
});

test("positions of the document are used, and the others stand free behind what leads to them", () => {
  const document = graph(
    ["t", "a", "b", "c"],
    [
      ["t", "a"],
      ["t", "b"],
      ["b", "c"],
    ],
  );
  const placed = setPositions(
    document,
    new Map([
      ["t", { x: 5, y: 7 }],
      ["a", { x: 320, y: 7 }],
    ]),
  );
  assert.ok(placed.refused === undefined);
  const { positions } = layout(placed.document);
  assert.deepEqual(positions.get("t"), { x: 5, y: 7 });
  const b = positions.get("b")!;
  assert.ok(b.x > 5 + nodeWidth && Math.abs(b.y - 7) >= nodeHeight, JSON.stringify(b));
  assert.ok(positions.get("c")!.x > b.x + nodeWidth);
  assert.deepEqual(freePlace(flow(graph(["t"], [])), "t", new Map()), { x: 0, y: 0 });
});

test("edges go around nodes that were placed in their way", () => {
  const edges = flow(graph(["t", "a", "b"], [["t", "b"]])).edges;
  const [route] = routeAround(
    edges,
    new Map([
      ["t", { x: 0, y: 0 }],
      ["a", { x: 400, y: 0 }],
      ["b", { x: 800, y: 0 }],
    ]),
  );
  assert.equal(route!.points.length, 2);
  for (const p of route!.points) assert.ok(p.y < 0 || p.y > nodeHeight);
  assert.deepEqual(
    routeAround(
      edges,
      new Map([
        ["t", { x: 0, y: 0 }],
        ["a", { x: 400, y: 300 }],
        ["b", { x: 800, y: 0 }],
      ]),
    )[0]!.points,
    [],
  );
  const [back] = routeAround(
    edges,
    new Map([
      ["t", { x: 800, y: 0 }],
      ["a", { x: 400, y: 300 }],
      ["b", { x: 0, y: 0 }],
    ]),
  );
  assert.equal(back!.points.length, 2);
});

test("a curve begins and ends at its points", () => {
  assert.equal(
    curve([
      { x: 0, y: 0 },
      { x: 10, y: 0 },
    ]),
    "M0 0H10",
  );
  assert.match(
    curve([
      { x: 0, y: 0 },
      { x: 100, y: 50 },
    ]),
    /^M0 0C50 0 50 50 100 50$/,
  );
});

test("what did not change is not drawn again", () => {
  const before = anyGraph(30, 7);
  const first = scene(before, new Map(), true);
  const renamed = { ...before, members: new Map(before.members).set("name", str("x")) };
  const second = scene(renamed, new Map(), true, first);
  assert.ok(
    second.nodes.every((n, i) => n === first.nodes[i]) && second.edges.every((e, i) => e === first.edges[i]),
  );
});

test("the way of an execution is told", () => {
  const f = flow(
    graph(
      ["t", "a", "b", "c"],
      [
        ["t", "a"],
        ["a", "b", "yes"],
        ["a", "c", "error"],
      ],
    ),
  );
  const states = (a: string, handle?: string): States =>
    new Map([
      ["t", { state: "succeeded" }],
      ["a", { state: a, handle }],
      ["b", { state: a === "succeeded" ? "succeeded" : "skipped" }],
      ["c", { state: a === "failed" ? "succeeded" : "skipped" }],
    ]);
  const ways = (s: States) => f.edges.map((e) => taken(e, f.byId.get(e.source), s));
  assert.deepEqual(ways(states("succeeded", "yes")), [true, true, false]);
  assert.deepEqual(ways(states("succeeded", "no")), [true, false, false]);
  assert.deepEqual(ways(states("failed")), [true, false, true]);
});
