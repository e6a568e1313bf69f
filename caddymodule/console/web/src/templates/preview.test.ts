import assert from "node:assert/strict";
import { test } from "node:test";
import type { ExecutionRecord, Value } from "../api/types";
import { type Json, parse, stringify } from "../json/lossless";
import { previewText } from "./preview";
import { globalsOf, scopeOf, type ScopeOptions, upstreamOf } from "./scope";

const data = `{"n":1.50,"big":12345678901234567890.10,"s":"a\\"b\\u00e9\\nc","t":true,"f":false,"z":null,"empty":"",` +
  `"list":[10,{"x":"y"},[]],"obj":{"b":1,"a":{"deep":[0,1e3]}},"any key":1,"a  key":{"of mine":9},"a.b":2,"é-_$@1":3,"":4,"\\ud800":6,"q\\"]}}":5,` +
  `"_query":{"source":"shop","tag":["a","b"]}}`;

const document = parse(`{"id":"w","nodes":[{"id":"t","type":"trigger"},{"id":"rag-1","type":"any"},{"id":"n","type":"any"},{"id":"after","type":"any"},
  {"id":"skip","type":"any"},{"id":"each","type":"any","forEach":"{{trigger.data.list}}"}],
  "edges":[{"source":"t","target":"rag-1"},{"source":"rag-1","target":"n"},{"source":"n","target":"after"},{"source":"t","target":"skip"},
  {"source":"skip","target":"n"},{"source":"t","target":"each"}]}`);

const v = (text: string, more: Partial<Value> = {}): Value => ({ text, ...more });
const record = (more: Partial<ExecutionRecord> = {}): ExecutionRecord => ({
  id: "exec-01", workflow: "w", revision: 1, acceptedAt: "2026-03-01T12:30:00.123Z", status: "succeeded",
  trigger: { data: v(data), headers: v('{"content-type":"application/json","x-a":"b"}'), method: "POST", clientIp: "192.0.2.7", receivedAt: "2026-03-01T12:30:00.123Z" },
  nodes: [{ id: "t", state: "completed" }, { id: "rag-1", state: "completed", output: v('{"results":[{"text":"hit","score":0.90}]}') }, { id: "skip", state: "skipped" }],
  ...more,
});
const globals = globalsOf('{"globals":[{"key":"api_url","value":"https://api.example"},{"key":"a.b","value":{"c":[1,2]}},{"key":"__secret_key","value":"***"}]}');
const scope = (more: Partial<ScopeOptions> = {}) => scopeOf({ document, node: "n", sample: record(), globals, inForEach: true, ...more });
const shown = (text: string, more: Partial<ScopeOptions> = {}): string => {
  const p = previewText(text, scope(more));
  return p?.error ? `error: ${p.error}` : p?.value ? stringify(p.value) : "unknown";
};

// The table of TestTemplateValues in runtime/flow: the server resolves these templates so.
const values: [template: string, want: string][] = [
  ["{{trigger.data.n}}", "1.50"],
  ["{{trigger.data.big}}", "12345678901234567890.10"],
  ["{{trigger.data.s}}", String.raw`"a\"b\u00e9\nc"`],
  ["{{trigger.data.t}}", "true"],
  ["{{trigger.data.z}}", "null"],
  ["{{trigger.data.list}}", '[10,{"x":"y"},[]]'],
  ["{{trigger.data.obj}}", '{"b":1,"a":{"deep":[0,1e3]}}'],
  ["{{trigger.data}}", data],
  ["{{steps.t.output}}", data],
  ["{{steps.t.output._query.source}}", '"shop"'],
  ["{{trigger.data.nope}}", "null"],
  ["{{trigger.data.nope.deeper[3]}}", "null"],
  ["{{trigger.data.n.deeper}}", "null"],
  ["{{trigger.data.list[3]}}", "null"],
  ["{{trigger.data.list.x}}", "null"],
  ["{{trigger.data.obj[0]}}", "null"],
  ['{{trigger.data.list["0"]}}', "null"],
  ["{{global.nope}}", "null"],
  ["n={{trigger.data.n}}.", '"n=1.50."'],
  ["{{trigger.data.s}}!", String.raw`"a\"b\u00e9\nc!"`],
  [" {{trigger.data.n}}", '" 1.50"'],
  ["{{trigger.data.n}}{{trigger.data.t}}", '"1.50true"'],
  ["[{{trigger.data.z}}|{{trigger.data.nope}}|{{trigger.data.empty}}|{{trigger.data.f}}]", '"[|||false]"'],
  ["{{trigger.data.list}} and {{trigger.data.obj}}", String.raw`"[10,{\"x\":\"y\"},[]] and {\"b\":1,\"a\":{\"deep\":[0,1e3]}}"`],
  ['"{{trigger.data.n}}\\', String.raw`"\"1.50\\"`],
  ["tab\t{{trigger.data.n}}", String.raw`"tab\t1.50"`],
  ["{{\t trigger . data \n.list [ 1 ] . x }}", '"y"'],
  ["{{trigger.data.obj.a.deep[1]}}", "1e3"],
  ['{{trigger.data["any key"]}}', "1"],
  ['{{trigger.data[ "a.b" ]}}', "2"],
  ["{{trigger.data.any key}}", "1"],
  ["{{ trigger.data . a  key .of mine }}", "9"],
  [String.raw`{{trigger.data["\u0061.b"]}}`, "2"],
  ["{{trigger.data.é-_$@1}}", "3"],
  ['{{trigger.data[""]}}', "4"],
  [String.raw`{{trigger.data["q\"]}}"]}}`, "5"],
  ['{{trigger["data"]["n"]}}', "1.50"],
  [String.raw`{{trigger.data["\ud800"]}}`, "6"],
  [String.raw`{{trigger.data["\ud801"]}}`, "null"],
  ["{{trigger.data._query}}", '{"source":"shop","tag":["a","b"]}'],
  ['{{trigger.data["_query"].tag[1]}}', '"b"'],
  ["{{trigger.headers.x-a}}", '"b"'],
  ['{{trigger.headers["content-type"]}}', '"application/json"'],
  ["{{trigger.method}}", '"POST"'],
  ["from {{trigger.clientIp}}", '"from 192.0.2.7"'],
  ["{{trigger.receivedAt}}", '"2026-03-01T12:30:00.123Z"'],
  ["{{steps.rag-1.output.results[0].score}}", "0.90"],
  ['{{steps["rag-1"].output.results[0].text}}s', '"hits"'],
  ["{{global.api_url}}/v1", '"https://api.example/v1"'],
  ['{{global["a.b"].c[1]}}', "2"],
  ["{{execution.id}}", '"exec-01"'],
  ["{{workflow.id}}/{{workflow.name}}", '"w/w"'],
  ["\\{{ {{trigger.data.n}} }}", '"{{ 1.50 }}"'],
];

test("templates give what they give on the server", () => {
  for (const [template, want] of values) assert.equal(shown(template), stringify(parse(want)), template);
});

test("text without templates has no preview, but escapes have one", () => {
  assert.equal(previewText("}} { {", scope()), undefined);
  assert.equal(shown("\\{{trigger.data.n}}"), '"{{trigger.data.n}}"');
  assert.equal(shown("\\\\{{x}}"), String.raw`"\\{{x}}"`);
});

test("mistakes are told where they are", () => {
  for (const [template, want] of [
    ["é{{trigger.data.}}", /malformed template at column 17: "}" where a key/],
    ["{{trigger.data", /column 15: the end where "}}" or another step/],
    ["{{}}", /column 3: "}" where a path/],
    ["{{a | upper}}", /column 5: "\|" where "}}"/],
    ["{{steps.after.output}}", /"after" is no node upstream; upstream are: t, rag-1, skip/],
    ["{{steps.rag-1.result}}", /must be followed by .output/],
    ["{{steps}}", /must be followed by the id/],
    ["{{global}}", /must be followed by a key/],
    ["{{item.a}}", /only in the config of a node with forEach/],
    ["{{trigger.body}}", /must be followed by .data/],
    ["{{trigger.method.x}}", /has no members/],
    ["{{data.x}}", /unknown root "data"/],
  ] as const) assert.match(shown(template), want);
});

test("what is not known is said", () => {
  const note = (template: string, more: Partial<ScopeOptions>) => previewText(template, scope(more))?.notes.join("; ");
  const withData = (value: Value) => ({ sample: record({ trigger: { data: value, receivedAt: "" } }) });
  assert.match(note("{{trigger.data.a}}", withData({ size: 99999, sha256: "x" }))!, /too long to be recorded/);
  assert.match(note("{{trigger.data.a}}", withData({ cut: true }))!, /was cut from the record/);
  assert.equal(shown("x {{trigger.data.a}}", withData({ cut: true })), "unknown");
  assert.match(note("{{trigger.data.a}}", withData(v('{"a":"***","b":1}', { masked: true })))!, /masked here/);
  assert.equal(note("{{trigger.data.b}}", withData(v('{"a":"***","b":1}', { masked: true }))), "");
  assert.match(note("{{global.__secret_key}}", {})!, /masked here/);
  assert.match(note("{{trigger.data.nope}}", {})!, /is missing, which gives null/);
  assert.match(note("a {{trigger.data.nope}}", {})!, /is missing, which gives empty text/);
  assert.match(note("{{trigger.data._query.a}}", withData(v("[1]")))!, /not recorded for a body that is no object/);
  assert.match(note("{{steps.t.output._query.a}}", withData(v("[1]")))!, /not recorded for a body that is no object/);
  assert.match(note("{{steps.rag-1.output}}", { sample: record({ nodes: [] }) })!, /did not have/);
  assert.equal(shown("{{trigger.data.a}}", { sample: undefined }), "unknown");
});

test("a node that did not run gives null", () => {
  assert.equal(shown("{{steps.skip.output}}"), "null");
  assert.match(previewText("{{steps.skip.output}}", scope())!.notes.join(), /the node was skipped/);
});

test("item is the first one of the last event", () => {
  const each = { node: "each" };
  assert.equal(shown("{{item}} {{index}}", each), '"10 0"');
  assert.equal(shown("{{item}}", { ...each, sample: record({ trigger: { data: v('{"list":[]}'), receivedAt: "" } }) }), "unknown");
  assert.match(shown("{{item}}", { ...each, inForEach: false }), /only in the config/);
});

test("upstream nodes are found once, also in a cycle that is being edited", () => {
  const ids = (d: Json, id: string) => upstreamOf(d, id).map((n) => n.id);
  assert.deepEqual(ids(document, "n"), ["t", "rag-1", "skip"]);
  assert.deepEqual(ids(parse('{"nodes":[{"id":"a"},{"id":"b"}],"edges":[{"source":"a","target":"b"},{"source":"b","target":"a"}]}'), "b"), ["a"]);
});
