import assert from "node:assert/strict";
import { test } from "node:test";
import type { Summary } from "../api/types";
import { apiQuery, filterQuery, matches, noFilter, partsOf, readFilter, wholePrefix } from "./filter";

const now = Date.parse("2026-11-30T12:00:00Z");
const run = (more: Partial<Summary>): Summary => ({
  id: "exec-01k7e5sz9vh8q4m2x6c3b0ndtr",
  workflow: "orders",
  revision: 3,
  acceptedAt: "2026-11-30T11:50:00.5Z",
  status: "failed",
  ...more,
});

test("a filter survives its address", () => {
  const f = readFilter(
    new URLSearchParams("workflow=orders&status=failed,running,nonsense&within=1h&source=console&id=exec-01"),
  );
  assert.deepEqual(f, {
    ...noFilter,
    workflow: "orders",
    status: ["running", "failed"],
    span: "1h",
    source: "console",
    id: "exec-01",
  });
  const again = readFilter(new URLSearchParams(Object.entries(filterQuery(f)).filter(([, v]) => v !== "")));
  assert.deepEqual(again, f);
});

test("times that are none are left out, and a span excludes them", () => {
  assert.deepEqual(readFilter(new URLSearchParams("from=yesterday&to=2026-11-30T12:00:00%2B01:00")), {
    ...noFilter,
    to: "2026-11-30T11:00:00.000Z",
  });
  assert.deepEqual(readFilter(new URLSearchParams("within=24h&from=2026-11-30T11:00:00Z")), {
    ...noFilter,
    span: "24h",
  });
  assert.deepEqual(readFilter(new URLSearchParams("within=toString")), noFilter);
});

test("the API gets a span as a time", () => {
  assert.equal(apiQuery({ ...noFilter, span: "15m" }, now).from, "2026-11-30T11:45:00.000Z");
});

test("an event is matched as the server would", () => {
  const cases: [Partial<typeof noFilter>, boolean][] = [
    [{}, true],
    [{ workflow: "orders" }, true],
    [{ workflow: "order" }, false],
    [{ status: ["failed", "running"] }, true],
    [{ status: ["running"] }, false],
    [{ source: "console" }, false],
    [{ span: "15m" }, true],
    [{ from: "2026-11-30T11:50:00.500Z" }, true],
    [{ from: "2026-11-30T11:50:01Z" }, false],
    [{ to: "2026-11-30T11:50:01Z" }, true],
    [{ to: "2026-11-30T11:50:00Z" }, false],
    [{ id: "01K7E5" }, true],
    [{ id: "exec-01k7e6" }, false],
  ];
  for (const [filter, want] of cases)
    assert.equal(matches({ ...noFilter, ...filter }, run({}), now), want, JSON.stringify(filter));
  assert.equal(
    matches({ ...noFilter, span: "15m" }, run({ acceptedAt: "2026-11-30T11:44:59Z" }), now),
    false,
  );
});

test("prefixes of ids may lack their first part", () => {
  for (const [typed, want] of [
    ["", ""],
    ["ex", "ex"],
    ["exec-", "exec-"],
    ["01K7", "exec-01k7"],
    [" exec-01K7 ", "exec-01k7"],
  ] as const) {
    assert.equal(wholePrefix(typed), want);
  }
});

test("each part of a filter can be taken out", () => {
  const f = readFilter(
    new URLSearchParams("workflow=orders&status=failed,timed_out&from=2026-11-30T11:00:00Z&id=01k7"),
  );
  const parts = partsOf(
    f,
    (s) => s.replace("_", " "),
    (t) => t.slice(11, 16),
  );
  assert.deepEqual(
    parts.map((p) => `${p.name}: ${p.text}`),
    ["workflow: orders", "status: failed or timed out", "time: from 11:00", "id: begins with exec-01k7"],
  );
  assert.deepEqual(parts[1]!.without, { ...f, status: [] });
  assert.deepEqual(partsOf(noFilter, String, String), []);
});
