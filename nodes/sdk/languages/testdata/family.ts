// Several nodes in one module: a counter of its own calls, which always says 1; the length of a text; and a global, which only that
// node may read.
import { Answer, Json, fail, fatal, getGlobal, node, output, route } from "flowtrux/assembly";
export { alloc, run_type, describe } from "flowtrux/assembly";

let calls = 0;

node('{"abi":1,"type":"count","version":"1.0.0"}', (config: Json): Answer => {
  calls++;
  return output(calls.toString());
});

node('{"abi":1,"type":"length","version":"1.0.0","handles":["some","none"]}', (config: Json): Answer => {
  calls++;
  const text = config.get("text").string();
  if (text === null) return fatal("bad_config", "text must be a string");
  return route(text.length > 0 ? "some" : "none", String.UTF8.byteLength(text).toString());
});

node('{"abi":1,"type":"read","version":"1.0.0","capabilities":["globals"]}', (config: Json): Answer => {
  calls++;
  const key = config.get("key").string();
  if (key === null) return fatal("bad_config", "key must be a string");
  const value = getGlobal(key);
  if (!value.ok) return value.fatal ? fatal(value.code, value.message) : fail(value.code, value.message);
  return output(value.value.length > 0 ? value.value : "null");
});
