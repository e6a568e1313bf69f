import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecutionRecord, Value } from "../api/types";
import { parse } from "../json/lossless";
import { type Draft, formatted, fromRecord, keyOf, mistakeIn, skeleton, withNewKey } from "./draft";
import { samples } from "./samples";

const record = (data: Value, headers?: Value): ExecutionRecord => ({
  id: "e",
  workflow: "w",
  revision: 1,
  acceptedAt: "",
  status: "succeeded",
  trigger: { data, headers, receivedAt: "" },
});

test("a recorded event becomes a request: its digits, its query and its own headers", () => {
  const draft = fromRecord(
    record(
      { text: `{"id":12345678901234567890,"price":1.0,"_query":{"tag":["a","b c"],"x":""}}` },
      {
        text: `{"accept-encoding":"gzip","content-length":"9","content-type":"application/json","x-github-event":"push",
          "x-forwarded-for":"1.2.3.4","webhook-id":"m"}`,
      },
    ),
  ) as Draft;
  assert.equal(draft.body, `{\n  "id": 12345678901234567890,\n  "price": 1.0\n}`);
  assert.equal(draft.query, "tag=a&tag=b+c&x=");
  assert.deepEqual(draft.headers, [["x-github-event", "push"]]);
});

test("an event that is no object stays as it is, another content type is sent", () => {
  const draft = fromRecord(
    record({ text: "[1]" }, { text: `{"content-type":"application/json; charset=utf-8"}` }),
  ) as Draft;
  assert.equal(draft.body, "[\n  1\n]");
  assert.deepEqual(draft.headers, [["content-type", "application/json; charset=utf-8"]]);
});

test("what is not what was sent is not offered as such", () => {
  for (const [r, want] of [
    [record({ text: `{"a":"***"}`, masked: true }), /hidden/],
    [record({ text: "{}" }, { text: "{}", masked: true }), /hidden/],
    [record({ size: 99, sha256: "x" }), /too long/],
    [record({ cut: true }), /too long/],
    [record({}), /does not have/],
    [record({ text: "{" }), /cannot be read/],
    [{ ...record({}), trigger: undefined }, /does not have/],
  ] as const) {
    const got = fromRecord(r);
    assert.match("reason" in got ? got.reason : "", want);
  }
});

test("a body has the fields that a workflow reads", () => {
  const document =
    parse(`{"nodes":[{"id":"trigger","type":"trigger"},
    {"id":"a","config":{"x":"{{trigger.data.order.id}} for {{ trigger.data.customer.name }}",
    "y":["{{trigger.data.items[1].sku}}","{{trigger.data._query.q}}","{{steps.a.output}}",
    "{{trigger.data.order}}","\\\\{{trigger.data.not}}"]}}]}`);
  assert.equal(
    skeleton(document)!.replace(/\s/g, ""),
    `{"order":{"id":""},"customer":{"name":""},"items":["",{"sku":""}]}`,
  );
  assert.equal(skeleton(parse(`{"nodes":[{"config":"{{trigger.data}}"}]}`)), undefined);
  const each = parse(
    `{"nodes":[{"id":"a","forEach":"{{trigger.data.items}}","config":{"x":"{{item.sku}}: {{item.price}} {{index}}"}},
      {"id":"b","forEach":"{{trigger.data.tags}}"}]}`,
  );
  assert.equal(skeleton(each)!.replace(/\s/g, ""), `{"items":[{"sku":"","price":""}],"tags":[""]}`);
});

test("mistakes in a body have a place", () => {
  assert.equal(mistakeIn(""), undefined);
  assert.equal(mistakeIn(`{"a":1.0}`), undefined);
  const wrong = mistakeIn(`{\n  "a": 1,\n}`)!;
  assert.deepEqual([wrong.line, wrong.column], [3, 1]);
  assert.equal(formatted(`{"a":1.0}`), `{\n  "a": 1.0\n}`);
  assert.equal(formatted("{"), "{");
});

test("a duplicate gets a new key", () => {
  const draft: Draft = {
    body: `{"event":{"id":"old","n":1.0}}`,
    query: "",
    headers: [
      ["x-key", "old"],
      ["A", "b"],
    ],
  };
  assert.deepEqual(keyOf(parse(`{"idempotency":{"header":"X-Key"}}`)), { header: "X-Key" });
  assert.deepEqual(keyOf(parse(`{"idempotency":{"field":"event.id"}}`)), { field: "event.id" });
  assert.equal(keyOf(parse("{}")), undefined);
  assert.deepEqual(withNewKey(draft, { header: "X-Key" }, "new")!.headers, [
    ["A", "b"],
    ["X-Key", "new"],
  ]);
  assert.equal(
    withNewKey(draft, { field: "event.id" }, "new")!.body.replace(/\s/g, ""),
    `{"event":{"id":"new","n":1.0}}`,
  );
  assert.equal(withNewKey(draft, { field: "event.other" }, "new"), undefined);
  assert.equal(withNewKey({ ...draft, body: "{" }, { field: "event.id" }, "new"), undefined);
});

test("samples are JSON, and differ each time", () => {
  for (const s of samples) {
    const [a, b] = [s.make(Date.UTC(2026, 10, 30)), s.make(Date.UTC(2026, 10, 30))];
    assert.equal(mistakeIn(a.body), undefined, s.id);
    assert.notEqual(a.body, b.body, s.id);
    assert.equal(new Set(a.headers.map(([name]) => name.toLowerCase())).size, a.headers.length, s.id);
  }
});
