import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecutionRecord, LiveEvent, NodeRecord, Status } from "../api/types";
import { flow } from "../flow/document";
import { parse } from "../json/lossless";
import { codeLine, firstNode, linesAround, nodesOf, withEvent, withRecord } from "./run";

const base: ExecutionRecord = {
  id: "e",
  workflow: "w",
  revision: 1,
  acceptedAt: "2026-11-30T12:00:00Z",
  startedAt: "2026-11-30T12:00:00Z",
  status: "running",
};
const nodeEvent = (node: NodeRecord, execution = "e"): LiveEvent => ({
  kind: "node",
  at: "",
  execution,
  workflow: "w",
  node,
});
const runEvent = (status: Status, id = "e"): LiveEvent => ({
  kind: "execution",
  at: "",
  execution: { ...base, id, status },
});

test("events build what is known", () => {
  let r = withEvent(undefined, runEvent("running"), "e");
  for (const event of [
    nodeEvent({ id: "a", state: "running" }),
    nodeEvent({ id: "a", state: "completed", durationNs: 5 }),
    nodeEvent({ id: "b", state: "running" }),
    nodeEvent({ id: "x", state: "running" }, "other"),
    runEvent("failed", "other"),
  ])
    r = withEvent(r, event, "e");
  assert.deepEqual(r!.nodes, [
    { id: "a", state: "completed", durationNs: 5 },
    { id: "b", state: "running" },
  ]);
  assert.equal(r!.status, "running");
});

test("events that come late change nothing", () => {
  const r = {
    ...base,
    status: "succeeded" as const,
    nodes: [{ id: "a", state: "completed", output: { text: "1" } }],
  };
  assert.equal(withEvent(r, nodeEvent({ id: "a", state: "running" }), "e"), r);
  assert.equal(withEvent(r, runEvent("running"), "e"), r);
  const open = { ...base, nodes: [{ id: "a", state: "completed" }] };
  assert.equal(withEvent(open, nodeEvent({ id: "a", state: "running" }), "e"), open);
  assert.equal(withEvent(undefined, nodeEvent({ id: "a", state: "running" }), "e"), undefined);
});

test("a record that was read before the last events does not undo them", () => {
  const seen: ExecutionRecord = {
    ...base,
    nodes: [
      { id: "a", state: "completed" },
      { id: "b", state: "running" },
    ],
  };
  const loaded: ExecutionRecord = {
    ...base,
    nodes: [
      { id: "a", state: "running" },
      { id: "c", state: "pending" },
    ],
  };
  assert.deepEqual(
    withRecord(seen, loaded).nodes!.map((n) => `${n.id} ${n.state}`),
    ["a completed", "c pending", "b running"],
  );
  assert.equal(withRecord({ ...base, status: "failed" }, loaded).status, "failed");
  const final: ExecutionRecord = { ...base, status: "succeeded", nodes: [] };
  assert.equal(withRecord(seen, final), final);
});

const document =
  parse(`{"nodes":[{"id":"hook","type":"trigger","name":"Webhook"},
  {"id":"b","type":"transform"},{"id":"a","type":"code","name":"Sum"}],
  "edges":[{"source":"hook","target":"a"},{"source":"a","target":"b"}]}`);

test("nodes are in the order of the plan, and those that the record lacks are there", () => {
  const record: ExecutionRecord = {
    ...base,
    nodes: [
      { id: "a", state: "running" },
      { id: "zombie", state: "completed" },
    ],
  };
  assert.deepEqual(
    nodesOf(record, flow(document)).map((n) => `${n.id} ${n.name} ${n.record.state}`),
    ["hook Webhook completed", "a Sum running", "b b pending", "zombie zombie completed"],
  );
  assert.deepEqual(
    nodesOf(record, undefined).map((n) => n.id),
    ["trigger", "a", "zombie"],
  );
  const never: ExecutionRecord = { ...base, startedAt: undefined, status: "failed", code: "crash_loop" };
  assert.deepEqual(
    nodesOf(never, flow(document)).map((n) => n.record.state),
    ["not_run", "not_run", "not_run"],
  );
});

test("the failing node is shown first, else what runs, else the last that ran", () => {
  const first = (record: Partial<ExecutionRecord>) => {
    const r = { ...base, ...record };
    return firstNode(r, nodesOf(r, flow(document)));
  };
  assert.equal(
    first({
      status: "failed",
      node: "a",
      nodes: [
        { id: "a", state: "failed" },
        { id: "b", state: "stopped" },
      ],
    }),
    "a",
  );
  assert.equal(
    first({
      nodes: [
        { id: "a", state: "completed" },
        { id: "b", state: "running" },
      ],
    }),
    "b",
  );
  assert.equal(
    first({
      status: "succeeded",
      nodes: [
        { id: "a", state: "completed" },
        { id: "b", state: "skipped" },
      ],
    }),
    "a",
  );
  assert.equal(first({ status: "pending", startedAt: undefined, nodes: [] }), undefined);
});

test("an error of code names its line", () => {
  assert.deepEqual(codeLine("Error: no stock (line 2)"), { line: 2, column: undefined });
  assert.deepEqual(codeLine("SyntaxError: x (line 2, column 11)"), { line: 2, column: 11 });
  assert.equal(codeLine("thrown: null"), undefined);
  assert.equal(codeLine("(line 3) and more"), undefined);
  assert.deepEqual(linesAround("a\nb\nc\nd", 2, 1), [
    { n: 1, text: "a" },
    { n: 2, text: "b" },
    { n: 3, text: "c" },
  ]);
  assert.deepEqual(linesAround("a", 2), []);
});
