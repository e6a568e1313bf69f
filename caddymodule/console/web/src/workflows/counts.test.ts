import assert from "node:assert/strict";
import { test } from "node:test";
import type { Summary } from "../api/types";
import { hours, runsOf } from "./counts";

const from = Date.parse("2026-11-30T00:00:00Z");
const run = (status: Summary["status"], endedAt: string): Summary => ({
  id: `exec-${status}`,
  workflow: "a",
  revision: 1,
  acceptedAt: endedAt,
  status,
  endedAt,
});

test("what has ended since is added to what the server has counted", () => {
  const zeros = Array.from({ length: hours }, () => 0);
  const runs = runsOf(
    {
      id: "a",
      last: { status: "succeeded", id: "exec-0", endedAt: "2026-11-30T22:00:00Z" },
      succeeded: [...zeros.slice(1), 4],
      timed_out: [2, ...zeros.slice(1)],
    },
    [
      run("failed", "2026-11-30T23:10:00Z"),
      run("succeeded", "2026-11-30T23:20:00Z"),
      run("cancelled", "2026-11-30T23:15:00Z"),
    ],
    from,
  );
  assert.equal(runs.succeeded[23], 5);
  assert.equal(runs.failed[0], 2);
  assert.equal(runs.failed[23], 1);
  assert.equal(runs.cancelled[23], 1);
  assert.equal(runs.total, 9);
  assert.equal(runs.bad, 3);
  assert.equal(runs.last?.id, "exec-succeeded");
});

test("an hour that the counts do not have yet changes only the last run", () => {
  const runs = runsOf(undefined, [run("failed", "2026-12-01T00:00:01Z")], from);
  assert.equal(runs.total, 0);
  assert.equal(runs.last?.status, "failed");
});

test("before anything is loaded there is nothing, and nothing is added to it", () => {
  const runs = runsOf(undefined, undefined, NaN);
  assert.deepEqual([runs.total, runs.last, runs.succeeded.length], [0, undefined, hours]);
});
