import assert from "node:assert/strict";
import { test } from "node:test";
import { parallel, runAll, tally } from "./each";

const ids = Array.from({ length: 12 }, (_, i) => `e${i}`);
const turn = () => new Promise((resolve) => setTimeout(resolve, 1));

test("a few run at a time, and each once", async () => {
  let now = 0;
  let most = 0;
  const seen: string[] = [];
  const all = await runAll(
    ids,
    async (id) => {
      seen.push(id);
      most = Math.max(most, ++now);
      await turn();
      now--;
      return `new-${id}`;
    },
    new AbortController().signal,
    () => {},
  );
  assert.equal(most, parallel);
  assert.deepEqual(seen, ids);
  assert.deepEqual(
    all.map((o) => o.newId),
    ids.map((id) => `new-${id}`),
  );
});

test("a failure is noted, and the others go on", async () => {
  const all = await runAll(
    ids,
    async (id) => {
      await turn();
      if (id === "e3") throw new Error("it has ended already");
      return undefined;
    },
    new AbortController().signal,
    () => {},
  );
  assert.deepEqual(tally(all), { done: 11, failed: 1, leftOut: 0, open: 0 });
  assert.equal(all[3]!.error, "it has ended already");
});

test("stopped, none begins any more, and what has begun is waited for", async () => {
  const stop = new AbortController();
  let begun = 0;
  const all = await runAll(
    ids,
    async () => {
      begun++;
      await turn();
      stop.abort();
      return undefined;
    },
    stop.signal,
    () => {},
  );
  assert.equal(begun, parallel);
  assert.deepEqual(tally(all), { done: parallel, failed: 0, leftOut: 12 - parallel, open: 0 });
});
