import assert from "node:assert/strict";
import { test } from "node:test";
import { newSecret, secretDoubt, secretProblem } from "./schemes";

test("a generated secret has the form of its scheme, and is another one each time", () => {
  assert.match(newSecret("flowtrux"), /^[0-9a-f]{64}$/);
  assert.match(newSecret("standard-webhooks"), /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.notEqual(newSecret("github"), newSecret("github"));
  for (const scheme of ["flowtrux", "standard-webhooks"])
    assert.equal(secretProblem(scheme, newSecret(scheme)), undefined);
});

test("a typed secret is refused if no sender can use it", () => {
  assert.ok(secretProblem("flowtrux", ""));
  assert.ok(secretProblem("flowtrux", "ä".repeat(40_000)));
  assert.equal(secretProblem("flowtrux", "ä".repeat(30_000)), undefined);
  for (const bad of ["whsec_", "whsec_not base64", "whsec_a", "whsec_ab=", "plain-text"])
    assert.ok(secretProblem("standard-webhooks", bad), bad);
  for (const good of [
    "whsec_MfKQ9r8GKYqrTwjU",
    "v1,whsec_MfKQ9r8GKYqrTwjU",
    "MfKQ9r8GKYqrTwg=",
    "MfKQ9r8GKYqrTwg",
  ]) {
    assert.equal(secretProblem("standard-webhooks", good), undefined, good);
  }
});

test("spaces around a secret, and a short one, raise a doubt", () => {
  assert.ok(secretDoubt(" 0123456789abcdef"));
  assert.ok(secretDoubt("0123456789abcdef\t"));
  assert.ok(secretDoubt("hunter2"));
  assert.equal(secretDoubt("0123456789abcdef"), undefined);
  assert.equal(secretDoubt(""), undefined);
});
