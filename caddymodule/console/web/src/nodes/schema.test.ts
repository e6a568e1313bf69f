import assert from "node:assert/strict";
import { test } from "node:test";
import { fromPlain, parse } from "../json/lossless";
import { fields } from "./schema";

/** Writes rows as one line each: "  name* type = default: text". */
const show = (schema: unknown, max?: number): string[] =>
  fields(fromPlain(schema), max).rows.map(
    (r) =>
      "  ".repeat(r.depth) +
      `${r.name}${r.required ? "*" : ""}${r.head ? ":" : ` ${r.type}`}` +
      `${r.default === undefined ? "" : ` = ${r.default}`}${r.text && ` (${r.text})`}`,
  );

test("a schema without fields has none", () => {
  for (const schema of [
    undefined,
    null,
    true,
    {},
    { type: "object" },
    [],
    "x",
    { properties: [] },
    { $ref: "#/missing" },
    { $ref: "https://other.test/" },
  ]) {
    assert.deepEqual(show(schema), []);
  }
});

test("fields have their type, default, and what is demanded", () => {
  assert.deepEqual(
    show({
      required: ["url"],
      properties: {
        url: { type: "string", minLength: 1, description: "Where to" },
        method: { enum: ["GET", "POST"], default: "GET" },
        headers: { type: "object", additionalProperties: { type: ["string", "number"] } },
        tags: { type: "array", items: { type: "string" }, maxItems: 5, uniqueItems: true },
        lines: {
          type: "array",
          items: {
            type: "object",
            required: ["sku"],
            properties: { sku: { type: "string" }, n: { type: "integer", minimum: 1 } },
          },
        },
        body: true,
        never: false,
      },
    }),
    [
      "url* text (Where to · not empty)",
      'method GET, POST = "GET"',
      "headers object",
      "  any other key text, number",
      "tags list of text (at most 5 in the list, each once)",
      "lines list of object",
      "  sku* text",
      "  n whole number (at least 1)",
      "body any",
    ],
  );
});

test("fields of some configs stand below what they depend on", () => {
  assert.deepEqual(
    show({
      properties: { op: { enum: ["set", "pick"] } },
      allOf: [
        {
          if: { properties: { op: { const: "set" } } },
          then: { required: ["to"], properties: { op: true, to: { type: "string" } } },
        },
        { if: { properties: { op: { const: "pick" } } }, then: { required: ["op"] } },
      ],
      oneOf: [{ properties: { a: { type: "number" } } }, { properties: { b: { type: "number" } } }],
      anyOf: [{ required: ["a"] }],
    }),
    ["op set, pick", "if op is set:", "  to* text", "either:", "  a number", "or:", "  b number"],
  );
});

test("references are followed, and circles end", () => {
  assert.deepEqual(
    show({
      $ref: "#/$defs/tree",
      $defs: {
        tree: {
          properties: {
            name: { type: "string" },
            left: { $ref: "#/$defs/tree" },
            "a/b": { $ref: "#/$defs/a~1b" },
          },
        },
        "a/b": { type: "integer" },
      },
    }),
    ["name text", "left any (as above)", "a/b whole number"],
  );
});

test("a schema of any size has a bound", () => {
  const many = {
    properties: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`f${i}`, { type: "string" }])),
  };
  assert.equal(fields(fromPlain(many)).rows.length, 1000);
  assert.equal(fields(fromPlain(many)).cut, true);
  let deep: unknown = { type: "string" };
  for (let i = 0; i < 400; i++) deep = { type: "object", properties: { x: deep } };
  assert.ok(fields(fromPlain(deep)).rows.length < 20);
  const wide = (n: number): unknown =>
    n === 0
      ? {}
      : { properties: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, wide(n - 1)])) };
  assert.equal(fields(fromPlain(wide(4))).rows.length, 1000);
  assert.ok(
    show({ properties: { e: { enum: Array.from({ length: 10_000 }, () => "x".repeat(200)) } } })[0]!.length <
      5000,
  );
});

test("limits and defaults keep their digits", () => {
  const [row] = fields(
    parse(
      `{"properties": {"n": {"type": "integer", "maximum": 9223372036854775807, "default": {"a": [1.0]}}}}`,
    ),
  ).rows;
  assert.equal(row!.text, "at most 9223372036854775807");
  assert.equal(row!.default, `{"a":[1.0]}`);
});
