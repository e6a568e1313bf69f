import assert from "node:assert/strict";
import { test } from "node:test";
import type { Executions, Summary } from "../api/types";
import { neighborsIn, newerThan } from "./neighbors";
import { rfc3339 } from "./time";

const row = (id: string, at = 0): Summary => ({
  id,
  workflow: "w",
  revision: 1,
  acceptedAt: rfc3339(at),
  status: "failed",
});

test("neighbors are those next to it, whether it is in the list or not", () => {
  const rows = ["f", "d", "b"].map((id) => row(id));
  assert.deepEqual(neighborsIn(rows, "d"), { newer: "f", older: "b" });
  assert.deepEqual(neighborsIn(rows, "c"), { newer: "d", older: "b" });
  assert.deepEqual(neighborsIn(rows, "g"), { newer: undefined, older: "f" });
  assert.deepEqual(neighborsIn(rows, "a"), { newer: "b", older: undefined });
});

/** A server that has these executions, the newest first. */
function server(rows: readonly Summary[]) {
  const asked: string[] = [];
  const search = async (q: Record<string, string>): Promise<Executions> => {
    asked.push(q.to!);
    const found = rows.filter((s) => s.acceptedAt >= q.from! && s.acceptedAt <= q.to!);
    return {
      executions: found.slice(0, Number(q.limit)),
      next: found.length > Number(q.limit) ? "x" : undefined,
    };
  };
  return { search, asked };
}

test("the next newer one is found, however much later it was", async () => {
  const minute = 60_000;
  const { search, asked } = server([
    row("d", 90 * minute),
    row("c", 20 * minute),
    row("b", 10 * minute),
    row("a", 0),
  ]);
  assert.equal(await newerThan("a", 0, search), "b");
  assert.equal(asked.length, 5);
  assert.equal(await newerThan("c", 20 * minute, search), "d");
  assert.equal(await newerThan("d", 90 * minute, search), undefined);
});

test("among too many at the same time none is said to be the next", async () => {
  const many = Array.from({ length: 300 }, (_, i) => row(`n${String(300 - i).padStart(4, "0")}`, 20));
  assert.equal(await newerThan("a", 0, server(many).search), undefined);
});
