import assert from "node:assert/strict";
import { test } from "node:test";
import { parse, stringify } from "../json/lossless";
import { describe, initial, type Schema, variantOf } from "./schema";

const shape = (s: Schema, root: Schema = s) => describe(s, root).shape;
const kind = (s: Schema) => shape(s).kind;

test("schemas become fields", () => {
  for (const [schema, want] of [
    [undefined, "any"], [true, "any"], [{}, "any"], [{ type: "string" }, "text"], [{ type: "integer" }, "number"], [{ type: "number" }, "number"],
    [{ type: "boolean" }, "boolean"], [{ type: "object" }, "object"], [{ type: "array" }, "list"], [{ type: "null" }, "any"],
    [{ type: ["string", "null"] }, "text"], [{ type: ["string", "number"] }, "any"], [{ enum: ["a", 1, null] }, "choice"], [{ const: 3 }, "choice"],
    [{ properties: { a: {} } }, "object"], [{ items: {} }, "list"], [{ pattern: "^a" }, "text"], [{ minimum: 3 }, "number"],
    [{ oneOf: [{ const: "a", title: "A" }, { const: "b" }] }, "choice"], [{ anyOf: [{ type: "string" }, { type: "object" }] }, "variants"],
    [{ oneOf: [{ type: "null" }, { type: "integer" }] }, "number"], [{ type: "strange" }, "any"], [{ type: 7 }, "any"], [{ oneOf: "x", enum: 3, allOf: 1 }, "any"],
    [{ type: "object", properties: { a: true }, anyOf: [{ required: ["a"] }, { required: ["b"] }] }, "object"],
    [{ allOf: [{ type: "string" }, { minLength: 2 }] }, "text"],
  ] as [Schema, string][]) assert.equal(kind(schema), want, JSON.stringify(schema));
});

test("bounds, formats and free keys are read", () => {
  assert.deepEqual(shape({ type: "integer", minimum: 1, exclusiveMaximum: 9 }), { kind: "number", integer: true, minimum: 1, maximum: 9 });
  const list = shape({ type: "array", prefixItems: [{ type: "string" }, {}], items: false, minItems: 1 });
  assert.ok(list.kind === "list" && list.prefix.length === 2 && list.max === 2 && list.min === 1);
  const object = shape({ type: "object", properties: { a: {}, gone: false }, required: ["a", "b"], additionalProperties: { type: "string" } });
  assert.ok(object.kind === "object" && object.rest !== undefined);
  assert.deepEqual(object.fields.map((f) => [f.name, f.required]), [["a", true], ["b", true]]);
  const closed = shape({ type: "object", properties: {}, additionalProperties: false });
  assert.ok(closed.kind === "object" && closed.fields.length === 0 && closed.rest === undefined);
});

test("references within the schema are followed, also in circles, and no others", () => {
  const root: Schema = {
    $defs: { a: { type: "integer", title: "A", description: "of a" }, "x/y": { type: "boolean" }, loop: { $ref: "#/$defs/loop" }, tree: { type: "object", properties: { child: { $ref: "#/$defs/tree" } }, required: ["child"] } },
    properties: { list: { type: "array" } },
  };
  assert.equal(shape({ $ref: "#/$defs/a" }, root).kind, "number");
  assert.equal(describe({ $ref: "#/$defs/a", description: "beside" }, root).description, "beside");
  assert.equal(shape({ $ref: "#/$defs/x~1y" }, root).kind, "boolean");
  assert.equal(shape({ $ref: "#/properties/list" }, root).kind, "list");
  assert.equal(shape({ $ref: "#/$defs/loop" }, root).kind, "any");
  for (const ref of ["https://example.com/s.json", "#/nowhere", "#/__proto__/x", "#%zz"]) assert.equal(shape({ $ref: ref }, root).kind, "any", ref);
  // A new value of a schema that requires itself is finite.
  assert.ok(stringify(initial({ $ref: "#/$defs/tree" }, root)).length < 100);
});

test("the variant of a value is found", () => {
  const root: Schema = {};
  const variants = [
    { schema: { properties: { kind: { const: "mail" }, to: { type: "string" } }, required: ["kind"] } },
    { schema: { properties: { kind: { const: "phone" }, number: {} }, required: ["kind"] } },
    { schema: { type: "string" } },
  ];
  for (const [value, want] of [['{"kind":"phone"}', 1], ['{"kind":"mail","number":1}', 0], ['"x"', 2], ["7", 0]] as const) {
    assert.equal(variantOf(variants, parse(value), root), want, value);
  }
});

test("new values are as the schema wants them", () => {
  for (const [schema, want] of [
    [{ type: "string" }, '""'], [{ type: "integer", minimum: 3 }, "3"], [{ type: "integer", default: 7 }, "7"], [{ enum: ["b", "a"] }, '"b"'],
    [{ type: "array", minItems: 2, items: { type: "boolean" } }, "[false,false]"], [{ type: "array", minItems: 1e9 }, undefined],
    [{ type: "object", required: ["a"], properties: { a: { const: 1 }, b: {} } }, '{"a":1}'], [{ type: ["object", "null"], required: [] }, "{}"], [true, '""'],
  ] as [Schema, string | undefined][]) {
    const got = stringify(initial(schema, schema));
    if (want === undefined) assert.ok(got.length < 200);
    else assert.equal(got, want, JSON.stringify(schema));
  }
});
