import assert from "node:assert/strict";
import { test } from "node:test";

test("troubles are grouped by what they are about, and lead to where they are mended", async () => {
  Object.assign(globalThis, { location: { hash: "" }, addEventListener: () => undefined });
  const { grouped } = await import("./troubles");
  const groups = grouped([
    { where: "store", reason: "the store is stale" },
    { where: "workflows/a", path: "nodes[0]", reason: "x" },
    { where: "secrets/a", reason: "is missing" },
    { where: "workflows/a", path: "nodes[1]", reason: "y" },
    { where: "workflows/b/\n c", reason: "z" },
  ]);
  assert.deepEqual(
    groups.map((g) => [g.name, g.kind, g.link, g.list.length]),
    [
      ["The store", "server", undefined, 1],
      ["a", "workflow", "#/workflows/a", 2],
      ["a", "secret", "#/secrets?q=a", 1],
      ["b/\n c", "workflow", "#/workflows/b%2F%0A%20c", 1],
    ],
  );
});
