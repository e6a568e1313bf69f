// The node slugify: Turns a text into a URL slug.
import { Answer, Json, fatal, handle, manifest, output, quote } from "flowtrux/assembly";
export { alloc, run, describe } from "flowtrux/assembly";

manifest(`{"abi":1,"type":"slugify","version":"1.0.0","summary":"Turns a text into a URL slug.",
  "config":{"type":"object","properties":{"text":{"type":"string"},"max":{"type":"integer","minimum":1}},
            "required":["text"],"additionalProperties":false}}`);

handle((config: Json): Answer => {
  const text = config.get("text").string();
  const limit = config.get("max");
  if (text === null) return fatal("bad_config", "text must be a string");
  if (!limit.isNull() && !limit.isInt()) return fatal("bad_config", "max must be a whole number");

  let slug = "";
  let gap = false;
  const lower = text.toLowerCase();
  for (let i = 0; i < lower.length; i++) {
    const c = lower.charCodeAt(i);
    if ((c < 0x61 || c > 0x7a) && (c < 0x30 || c > 0x39)) {
      gap = slug.length > 0;
      continue;
    }
    slug += (gap ? "-" : "") + lower.charAt(i);
    gap = false;
  }
  const max = limit.isNull() ? 0 : limit.int(); // 0 = no limit
  if (max > 0 && slug.length > max) slug = slug.substring(0, max as i32);
  if (slug.endsWith("-")) slug = slug.substring(0, slug.length - 1);
  return slug.length > 0 ? output(`{"slug":${quote(slug)}}`) : fatal("empty_slug", "the text has no letters or digits");
});
