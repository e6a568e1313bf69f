// A node that reads its config in every way the SDK has, and says what it saw.
import { Answer, Json, handle, manifest, output, quote } from "flowtrux/assembly";
export { alloc, run, describe } from "flowtrux/assembly";

manifest('{"abi":1,"type":"reader","version":"1.0.0"}');

handle((config: Json): Answer => {
  const value = config.get("value");
  const text = value.string();
  const elements = value.elements().map<string>((e: Json): string => e.text);
  const members: string[] = [];
  for (let i = 0, keys = value.keys(); i < keys.length; i++) {
    members.push(quote(keys[i]));
    members.push(value.get(keys[i]).text);
  }
  return output(
    '{"text":' + (text === null ? "null" : quote(text)) +
    ',"int":' + (value.isInt() ? value.int().toString() : "null") +
    ',"bool":' + (value.isTrue() ? "true" : value.text == "false" ? "false" : "null") +
    ',"null":' + (value.isNull() ? "true" : "false") +
    `,"elements":[${elements.join(",")}],"members":[${members.join(",")}]}`
  );
});
