// A node that reads a global, adds to it and reads it again, and says what it saw.
import { Answer, Json, Reply, addGlobal, fail, fatal, getGlobal, handle, manifest, output } from "flowtrux/assembly";
export { alloc, run, describe } from "flowtrux/assembly";

manifest('{"abi":1,"type":"counter","version":"1.0.0","capabilities":["globals"]}');

function failed(r: Reply): Answer {
  return r.fatal ? fatal(r.code, r.message) : fail(r.code, r.message);
}

function orNull(json: string): string {
  return json.length > 0 ? json : "null";
}

handle((config: Json): Answer => {
  const key = config.get("key").string();
  const by = config.get("by");
  if (key === null) return fatal("bad_config", "key must be a string");
  if (!by.isInt()) return fatal("bad_config", "by must be a whole number");
  const before = getGlobal(key);
  if (!before.ok) return failed(before);
  const sum = addGlobal(key, by.int());
  if (!sum.ok) return failed(sum);
  const after = getGlobal(key);
  if (!after.ok) return failed(after);
  return output(`{"before":${orNull(before.value)},"sum":${sum.value},"after":${orNull(after.value)}}`);
});
