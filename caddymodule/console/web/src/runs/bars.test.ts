import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeRecord, Summary } from "../api/types";
import { layout, ticks } from "./bars";
import { nanos } from "./time";

const at = (ms: number) => `2026-11-30T12:00:00.${String(ms).padStart(3, "0")}Z`;
const run: Summary = {
  id: "e",
  workflow: "w",
  revision: 1,
  status: "succeeded",
  acceptedAt: at(0),
  startedAt: at(100),
  endedAt: at(600),
};
const lane = (n: NodeRecord, repeats = false) => layout(run, [n], at(999), () => repeats).lanes[0]!;
const ms = 1e6;

test("nanoseconds are not lost", () => {
  assert.equal(nanos("2026-11-30T12:00:00.999999999Z", "2026-11-30T12:00:01.000000001Z"), 2);
  assert.equal(nanos("2026-11-30T12:00:01Z", "2026-11-30T12:00:00.5Z"), -5e8);
  assert.ok(Number.isNaN(nanos(undefined, "2026-11-30T12:00:00Z")));
});

test("a node that was called once is one bar", () => {
  const l = lane({ id: "a", state: "completed", startedAt: at(150), durationNs: 50 * ms });
  assert.deepEqual(l.bars, [{ from: 50 * ms, to: 100 * ms, kind: "attempt", failed: false, text: "50 ms" }]);
  assert.equal(l.text, "50 ms");
});

test("attempts and the waits between them are bars of their own", () => {
  const l = lane({
    id: "a",
    state: "completed",
    attempts: 3,
    startedAt: at(100),
    durationNs: 400 * ms,
    calls: [
      { attempt: 1, start: at(100), durationNs: 20 * ms, code: "http_status" },
      { attempt: 2, start: at(200), durationNs: 30 * ms, code: "http_status" },
      { attempt: 3, start: at(430), durationNs: 70 * ms },
    ],
  });
  assert.deepEqual(
    l.bars.map((b) => [b.kind, b.from / ms, b.to / ms, b.failed]),
    [
      ["attempt", 0, 20, true],
      ["wait", 20, 100, false],
      ["attempt", 100, 130, true],
      ["wait", 130, 330, false],
      ["attempt", 330, 400, false],
    ],
  );
  assert.equal(l.text, "400 ms, 3 attempts, 280 ms of waiting");
});

test("records without the durations of attempts have no waits", () => {
  const l = lane({
    id: "a",
    state: "failed",
    attempts: 2,
    startedAt: at(100),
    durationNs: 300 * ms,
    code: "x",
    calls: [
      { attempt: 1, start: at(100), code: "x" },
      { attempt: 2, start: at(300), code: "x" },
    ],
  });
  assert.deepEqual(
    l.bars.map((b) => [b.kind, b.from / ms, b.to / ms]),
    [
      ["attempt", 0, 200],
      ["attempt", 200, 300],
    ],
  );
});

test("items are summarized: one counts as failed if its last attempt did", () => {
  const l = lane({
    id: "a",
    state: "failed",
    attempts: 4,
    startedAt: at(100),
    durationNs: 10 * ms,
    calls: [
      { attempt: 1, start: at(100), code: "x" },
      { attempt: 2, start: at(101) },
      { item: 1, attempt: 1, start: at(100), code: "x" },
      { item: 2, attempt: 1, start: at(104) },
    ],
  });
  assert.deepEqual(l.bars, [
    { from: 0, to: 10 * ms, kind: "items", failed: true, text: "3 items, 4 attempts, 1 failed" },
  ]);
  assert.equal(
    lane(
      {
        id: "a",
        state: "completed",
        startedAt: at(100),
        durationNs: ms,
        calls: [{ attempt: 1, start: at(100) }],
      },
      true,
    ).text,
    "1 ms, 1 item",
  );
});

test("a node that runs reaches until now, one that did not run has no bar", () => {
  const open = { ...run, status: "running" as const, endedAt: undefined };
  const t = layout(
    open,
    [
      { id: "a", state: "running", startedAt: at(200) },
      { id: "b", state: "skipped" },
    ],
    at(900),
  );
  assert.deepEqual(
    t.lanes.map((l) => l.bars.map((b) => [b.kind, b.to / ms])),
    [[["running", 800]], []],
  );
  assert.equal(t.total, 800 * ms);
});

test("clocks that differ make no bar outside of the axis", () => {
  const t = layout(
    { ...run, endedAt: at(50) },
    [{ id: "a", state: "completed", startedAt: at(90), durationNs: 30 * ms }],
    at(0),
  );
  assert.deepEqual(
    t.lanes[0]!.bars.map((b) => [b.from / ms, b.to / ms]),
    [[0, 30]],
  );
  assert.equal(t.total, 30 * ms);
});

test("waiting for a slot is told beside the axis", () => {
  assert.equal(layout(run, [], at(0)).waited, 100 * ms);
  assert.equal(
    layout({ ...run, startedAt: undefined, status: "pending", endedAt: undefined }, [], at(500)).waited,
    0,
  );
});

test("ticks are round, and few", () => {
  for (const [total, want] of [
    [472e3, "0 100 µs 200 µs 300 µs 400 µs"],
    [1, undefined],
    [5e9, "0 1 s 2 s 3 s 4 s 5 s"],
    [290e9, undefined],
    [7 * 60e9, "0 2 min 0 s 4 min 0 s 6 min 0 s"],
    [72 * 3600e9, undefined],
  ] as const) {
    const got = ticks(total);
    assert.ok(got.length >= 2 && got.length <= 8, `${total}: ${got.length}`);
    if (want) assert.equal(got.map((t) => t.text).join(" "), want);
  }
});
