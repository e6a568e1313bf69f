// What is going to be sent: from a recorded event, or from what a workflow reads of its events.
import type { ExecutionRecord } from "../api/types";
import { flow } from "../flow/document";
import {
  get,
  items,
  type Json,
  type JsonSyntaxError,
  members,
  obj,
  parse,
  set,
  str,
  stringify,
  text,
} from "../json/lossless";
import { parseText } from "../templates/parse";
import type { Path } from "../templates/path";

export type Header = readonly [name: string, value: string];
export interface Draft {
  readonly body: string;
  /** As in an address, without the question mark. */
  readonly query: string;
  readonly headers: readonly Header[];
}
export const emptyDraft: Draft = { body: "", query: "", headers: [] };

/** How many headers a draft has at most. */
export const maxHeaders = 50;

/** The webhook part of a document's trigger. */
export const webhookOf = (document: Json | undefined): Json | undefined =>
  document && get(flow(document).trigger?.config, "webhook");

/** The mistake in a body, if there is one. An empty body is {}. */
export function mistakeIn(body: string): JsonSyntaxError | undefined {
  if (body.trim() === "") return undefined;
  try {
    parse(body);
    return undefined;
  } catch (e) {
    return e as JsonSyntaxError;
  }
}

/** Formats a body, with all digits. A body that is not JSON stays as it is. */
export function formatted(body: string): string {
  try {
    return stringify(parse(body), 2);
  } catch {
    return body;
  }
}

/** Headers that belong to one transport. */
const ofTransport = /^(accept-encoding|connection|content-length|host|te|transfer-encoding|upgrade|via)$/;
const ofProxies = /^(x-)?forwarded|^x-real-ip$/;
/** Headers that the server makes with the signature. */
const signedAnew = /^(webhook|svix)-(id|timestamp|signature)$|^x-slack-request-timestamp$/;

/** A recorded event as it can be sent again; or why it cannot. */
export function fromRecord(record: ExecutionRecord): Draft | { readonly reason: string } {
  const data = record.trigger?.data;
  if (data?.masked || record.trigger?.headers?.masked)
    return { reason: "Secrets in this event are hidden in the record, so it is not what was sent." };
  if (data?.text === undefined) {
    return {
      reason:
        data?.size || data?.cut
          ? "This event is too long to be in the record, which has only its size."
          : "The record does not have this event.",
    };
  }
  let body: Json;
  try {
    body = parse(data.text);
  } catch {
    return { reason: "The record of this event cannot be read." };
  }
  const query = new URLSearchParams();
  for (const [name, value] of members(get(body, "_query"))) {
    for (const v of value.kind === "array" ? items(value) : [value]) query.append(name, text(v) ?? "");
  }
  if (body.kind === "object") body = set(body, ["_query"], undefined);
  return { body: stringify(body, 2), query: query.toString(), headers: headersOf(record) };
}

function headersOf(record: ExecutionRecord): Header[] {
  const raw = record.trigger?.headers?.text;
  if (!raw) return [];
  try {
    return [...members(parse(raw))]
      .map(([name, value]): Header => [name, text(value) ?? ""])
      .filter(([name, value]) => name !== "content-type" || value !== "application/json")
      .filter(([name]) => ![ofTransport, ofProxies, signedAnew].some((left) => left.test(name)))
      .slice(0, maxHeaders);
  } catch {
    return [];
  }
}

/** A body with all fields that the templates of a workflow read, or undefined if they read none. */
export function skeleton(document: Json): string | undefined {
  let body: Json = obj({});
  let found = false;
  for (const [first, second, ...path] of pathsRead(document)) {
    if (
      first !== "trigger" ||
      second !== "data" ||
      path.length === 0 ||
      path[0] === "_query" ||
      path.length > 20
    )
      continue;
    if (typeof path[0] === "number" || path.some((k) => typeof k === "number" && k > 9)) continue;
    found = true;
    body = place(body, path);
  }
  return found ? stringify(body, 2) : undefined;
}

/** The paths that templates read; of a node that runs once per item, those of the first item. */
function pathsRead(document: Json): Path[] {
  const paths = pathsIn(document);
  for (const node of flow(document).nodes) {
    const list = parseText(text(get(node.value, "forEach")) ?? "").parts.find((p) => p.kind === "template");
    if (!list) continue;
    paths.push(
      [...list.path, 0],
      ...pathsIn(node.value)
        .filter((p) => p[0] === "item")
        .map((p) => [...list.path, 0, ...p.slice(1)]),
    );
  }
  return paths;
}

const pathsIn = (v: Json): Path[] =>
  textsIn(v)
    .flatMap((t) => parseText(t).parts)
    .flatMap((p) => (p.kind === "template" ? [p.path] : []));

/** Adds a field that is not there yet. What is there already, and is a text, gives way to a longer path. */
function place(at: Json | undefined, path: readonly (string | number)[]): Json {
  const [key, ...rest] = path;
  if (key === undefined) return at ?? str("");
  if (typeof key === "number") {
    const list = [...items(at)];
    while (list.length < key) list.push(str(""));
    list[key] = place(list[key], rest);
    return { kind: "array", items: list };
  }
  return { kind: "object", members: new Map(members(at)).set(key, place(members(at).get(key), rest)) };
}

function textsIn(v: Json): string[] {
  switch (v.kind) {
    case "string":
      return v.value.includes("{{") ? [v.value] : [];
    case "array":
      return v.items.flatMap(textsIn);
    case "object":
      return [...v.members.values()].flatMap(textsIn);
    default:
      return [];
  }
}

/** How a workflow finds duplicates of an event: by a header, or by a field of the body. */
export function keyOf(webhook: Json | undefined): { header: string } | { field: string } | undefined {
  const header = text(get(webhook, "idempotency", "header"));
  const field = text(get(webhook, "idempotency", "field"));
  return header ? { header } : field ? { field } : undefined;
}

/**
 * The draft with a key that was not used yet, so that it is no duplicate. undefined = it has no such field.
 */
export function withNewKey(
  draft: Draft,
  key: { header: string } | { field: string },
  fresh: string,
): Draft | undefined {
  if ("header" in key) {
    const others = draft.headers.filter(([name]) => name.toLowerCase() !== key.header.toLowerCase());
    return { ...draft, headers: [...others, [key.header, fresh]] };
  }
  const path = key.field.split(".");
  try {
    const body = parse(draft.body);
    const old = get(body, ...path);
    if (old === undefined || old.kind === "object" || old.kind === "array") return undefined;
    return { ...draft, body: stringify(set(body, path, str(fresh)), 2) };
  } catch {
    return undefined;
  }
}
