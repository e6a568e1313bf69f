// New documents, and documents changed without an editor.
import { arr, bool, get, items, type Json, obj, parse, set, str, text } from "../json/lossless";
import { format } from "../flow/format";
import type { ResponseMode } from "../api/types";

export { validId } from "../flow/document";

/**
 * Makes an id of a name: "Größe & Maß" becomes "grosse-mass". It is empty if the name has no letter
 * or digit of ASCII.
 */
export function suggestId(name: string): string {
  return name
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]/g, "")
    .replace(/ß/g, "ss")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+/, "")
    .slice(0, 64)
    .replace(/-+$/, "");
}

/** Makes the id unique among those that are taken: order-2. */
export function freeId(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  for (let n = 2; ; n++) {
    const next = `${id.slice(0, 63 - String(n).length)}-${n}`;
    if (!taken.has(next)) return next;
  }
}

/**
 * A document that answers a webhook with what it got. Secrets are in no document that is stored:
 * the server takes it out.
 */
export function newDocument(w: {
  id: string;
  name: string;
  mode: ResponseMode;
  scheme: string;
  secret?: string;
}): string {
  const webhook = obj({
    responseMode: str(w.mode),
    signature: w.scheme === "flowtrux" ? undefined : obj({ scheme: str(w.scheme) }),
    secret: w.secret === undefined ? undefined : str(w.secret),
  });
  return format(
    obj({
      id: str(w.id),
      name: str(w.name),
      nodes: arr(
        obj({
          id: str("trigger"),
          type: str("trigger"),
          name: str("Webhook"),
          config: obj({ triggerType: str("webhook"), webhook }),
        }),
        obj({
          id: str("result"),
          type: str("transform"),
          name: str("Result"),
          config: obj({ output: obj({ received: str("{{trigger.data}}") }) }),
        }),
      ),
      edges: arr(obj({ source: str("trigger"), target: str("result") })),
    }),
  );
}

/** The same document under another id and name, with a secret if it has a webhook. */
export function duplicateOf(document: string, w: { id: string; name: string; secret?: string }): string {
  let d = set(set(parse(document), ["id"], str(w.id)), ["name"], str(w.name));
  const webhook = webhookPath(d);
  if (webhook && w.secret !== undefined) d = set(d, [...webhook, "secret"], str(w.secret));
  return format(d);
}

/** The document, active or not. */
export function withActive(document: string, active: boolean): string {
  return format(set(parse(document), ["active"], active ? undefined : bool(false)));
}

/** Where the webhook of a document is, or undefined: it is run by command. */
function webhookPath(d: Json): (string | number)[] | undefined {
  const index = items(get(d, "nodes")).findIndex((n) => text(get(n, "type")) === "trigger");
  if (index < 0 || text(get(d, "nodes", index, "config", "triggerType")) !== "webhook") return undefined;
  return ["nodes", index, "config", "webhook"];
}

/** The id that a document gives itself, or undefined. */
export function idIn(document: string): string | undefined {
  try {
    return text(get(parse(document), "id"));
  } catch {
    return undefined; // validate tells what is wrong
  }
}
