import assert from "node:assert/strict";
import { test } from "node:test";
import { fit } from "./text";

test("texts that fit whatever the font are not measured", () => {
  // There is no canvas here: measuring would throw.
  assert.equal(fit("node-001", 200, "600 13px"), "node-001");
  assert.equal(fit(" two\nlines ", 200, "12px"), "two lines");
  assert.throws(() => fit("漢字", 200, "600 13px"), /document/);
  assert.throws(() => fit("W".repeat(15), 200, "600 13px"), /document/);
});
