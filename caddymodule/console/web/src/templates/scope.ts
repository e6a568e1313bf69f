// What the templates of a node can name, and what it was in an event that is recorded.
import type { ExecutionRecord, Value } from "../api/types";
import { flow, type FlowNode, triggerType } from "../flow/document";
import {
  get,
  items,
  type Json,
  jsonNull,
  JsonSyntaxError,
  members,
  num,
  obj,
  parse,
  str,
  text,
} from "../json/lossless";
import { type Path, pathText } from "./path";
import { wholeTemplate } from "./parse";

/** A value of the last event, or why it is not known. */
export interface Known {
  value?: Json;
  /** Why the value is not known: "is too long to be recorded", or "" if it is. */
  why: string;
  /** Parts of it were replaced by ***. */
  masked: boolean;
  /** Why there was no value, which is null then. */
  note?: string;
}

/** The states of nodes that have no output because they have failed or did not run. */
const ended = new Set(["failed", "skipped", "stopped"]);

export interface Scope {
  /**
   * Each value that a template can begin with, by its path: trigger.data, steps.fetch.output,
   * global.currency.
   */
  readonly roots: readonly Root[];
  /** The id of the trigger, whose output is trigger.data. */
  readonly trigger?: string;
  /** Whether there is an event to preview values of. */
  readonly sampled: boolean;
}

export interface Root {
  path: Path;
  /** What it is, for people. */
  about: string;
  /** It is a text or number, without members. */
  plain: boolean;
  known: () => Known;
}

const unknown = (why: string): Known => ({ why, masked: false });
const none: Known = unknown("");

/** The values that were parsed, since a record is asked for the same ones again and again. */
const parsed = new WeakMap<Value, Known>();

/** Reads a recorded value. */
export function knownOf(v: Value | undefined): Known {
  if (!v) return unknown("is not recorded");
  let known = parsed.get(v);
  if (!known) parsed.set(v, (known = read(v)));
  return known;
}

function read(v: Value): Known {
  if (v.cut) return unknown("was cut from the record");
  if (v.text === undefined) return unknown(v.size ? "is too long to be recorded" : "is not recorded");
  try {
    return { value: parse(v.text), why: "", masked: v.masked ?? false };
  } catch (e) {
    if (!(e instanceof JsonSyntaxError)) throw e;
    return unknown("is not JSON in the record");
  }
}

/** The nodes upstream of a node, in the order of the document. */
export function upstreamOf(document: Json, id: string): FlowNode[] {
  const graph = flow(document);
  const found = new Set<string>();
  const todo = [id];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    for (const { source } of graph.into.get(next) ?? []) {
      if (source === id || found.has(source)) continue;
      found.add(source);
      todo.push(source);
    }
  }
  return graph.nodes.filter((n) => found.has(n.id));
}

export interface ScopeOptions {
  document: Json;
  node: string;
  /** The event whose values are offered and previewed. */
  sample?: ExecutionRecord;
  globals?: ReadonlyMap<string, Json>;
  /** Whether item and index can be used: not in forEach itself. */
  inForEach?: boolean;
}

/** Finds what the templates of a node can name. */
export function scopeOf({ document, node, sample, globals, inForEach }: ScopeOptions): Scope {
  const trigger = sample?.trigger;
  const plain = (path: Path, about: string, value: string | undefined): Root => ({
    path,
    about,
    plain: true,
    known: () => (value === undefined ? none : { value: str(value), why: "", masked: false }),
  });
  const value = (path: Path, about: string, v: () => Known): Root => ({
    path,
    about,
    plain: false,
    known: () => (sample ? v() : none),
  });
  const data = () => knownOf(trigger?.data);
  const roots: Root[] = [
    value(["trigger", "data"], "the body of the request", data),
    value(["trigger", "data", "_query"], "the query parameters", () => {
      const known = data();
      if (known.value === undefined) return known;
      const query = get(known.value, "_query");
      return query ? { ...known, value: query } : unknown("is not recorded for a body that is no object");
    }),
  ];
  const upstream = upstreamOf(document, node);
  for (const { id, name, type } of upstream) {
    if (type === triggerType) continue; // trigger.data is the same
    roots.push(
      value(["steps", id, "output"], `the output of ${name}`, () => {
        const record = sample?.nodes?.find((n) => n.id === id);
        if (!record) return unknown("is of a node that the last event did not have");
        if (record.output && (record.output.text !== undefined || record.output.size || record.output.cut))
          return knownOf(record.output);
        return ended.has(record.state)
          ? {
              value: jsonNull,
              why: "",
              masked: false,
              note: `the node was ${record.state} in the last event`,
            }
          : unknown(`is not known: the node was ${record.state}`);
      }),
    );
  }
  const forEach = text(get(flow(document).byId.get(node)?.value, "forEach"));
  if (inForEach && forEach) {
    roots.push(value(["item"], "the item of this run", () => firstItem(forEach, roots)));
    roots.push({
      path: ["index"],
      about: "the number of the item, from 0",
      plain: true,
      known: () => ({ value: num(0), why: "", masked: false }),
    });
  }
  for (const [key, v] of globals ?? []) {
    const masked = key.startsWith("__secret");
    roots.push({
      path: ["global", key],
      about: masked ? "a secret global" : "a global, as it is now",
      plain: false,
      known: () => ({ value: v, why: "", masked }),
    });
  }
  roots.push(
    value(["trigger", "headers"], "the headers of the request", () => knownOf(trigger?.headers)),
    plain(["trigger", "method"], "the method of the request", trigger?.method),
    plain(["trigger", "clientIp"], "the sender's address", trigger?.clientIp),
    plain(["trigger", "receivedAt"], "when the request came", trigger?.receivedAt),
    plain(["execution", "id"], "the id of the execution", sample?.id),
    plain(["workflow", "id"], "the id of the workflow", text(get(document, "id")) ?? sample?.workflow),
    plain(
      ["workflow", "name"],
      "the name of the workflow",
      text(get(document, "name")) ?? text(get(document, "id")),
    ),
  );
  return { roots, sampled: sample !== undefined, trigger: upstream.find((n) => n.type === triggerType)?.id };
}

/** The first item of what a forEach gives. */
function firstItem(forEach: string, roots: readonly Root[]): Known {
  const path = wholeTemplate(forEach);
  const list = path && lookUp({ roots, sampled: true }, path);
  if (!list || list.value === undefined)
    return unknown("is not known: forEach gave no array in the last event");
  const first = items(list.value)[0];
  return first
    ? { value: first, why: "", masked: list.masked }
    : unknown("is not known: forEach had no items in the last event");
}

export interface Found extends Known {
  /** The value around it is known, and does not have it: it is null, or an empty text. */
  missing: boolean;
  /** Why the path names nothing at all: validation rejects it. */
  wrong?: string;
}

/** Follows the path of a template. */
export function lookUp(scope: Scope, path: Path): Found {
  if (scope.trigger !== undefined && path[0] === "steps" && path[1] === scope.trigger && path[2] === "output")
    path = ["trigger", "data", ...path.slice(3)];
  const root = rootOf(scope, path);
  if (!root) return { why: "", masked: false, missing: false, wrong: wrongPath(scope, path) };
  const rest = path.slice(root.path.length);
  if (root.plain && rest.length > 0) {
    return {
      why: "",
      masked: false,
      missing: false,
      wrong: `${pathText(root.path)} has no members or elements`,
    };
  }
  const known = root.known();
  if (known.value === undefined) return { ...known, missing: false };
  let value: Json | undefined = known.value;
  for (const step of rest) value = get(value, step);
  return {
    value,
    why: "",
    masked: known.masked && mayBeMasked(value),
    missing: value === undefined,
    note: known.note,
  };
}

/** The root with the longest path that path begins with. */
function rootOf(scope: Scope, path: Path): Root | undefined {
  let best: Root | undefined;
  for (const root of scope.roots) {
    if (
      root.path.length <= path.length &&
      root.path.every((step, i) => step === path[i]) &&
      root.path.length > (best?.path.length ?? 0)
    )
      best = root;
  }
  return best;
}

function wrongPath(scope: Scope, path: Path): string {
  const [first, second] = path;
  if (first === "global") {
    return typeof second === "string"
      ? `no global has the key ${JSON.stringify(second)} now: it is null until there is one`
      : "global must be followed by a key, as in global.api_url";
  }
  if (first === "steps") {
    if (typeof second !== "string")
      return "steps must be followed by the id of a node, as in steps.fetch.output";
    const upstream = scope.roots.filter((r) => r.path[0] === "steps").map((r) => String(r.path[1]));
    if (scope.trigger !== undefined) upstream.unshift(scope.trigger);
    return upstream.includes(second)
      ? `steps.${second} must be followed by .output`
      : `${JSON.stringify(second)} is no node upstream; upstream are: ${upstream.join(", ") || "none"}`;
  }
  if (first === "item" || first === "index")
    return `${first} exists only in the config of a node with forEach`;
  if (first === "trigger")
    return "trigger must be followed by .data, .headers, .method, .clientIp or .receivedAt";
  if (first === "execution") return "execution must be followed by .id";
  if (first === "workflow") return "workflow must be followed by .id or .name";
  return `unknown root ${JSON.stringify(String(first))}: known: trigger, steps, global, execution, workflow`;
}

/** Reports whether a value contains the text that stands for what was masked. */
function mayBeMasked(v: Json | undefined): boolean {
  switch (v?.kind) {
    case "string":
      return v.value.includes("***");
    case "array":
      return v.items.some(mayBeMasked);
    case "object":
      return [...members(v)].some(([key, m]) => key.includes("***") || mayBeMasked(m));
  }
  return false;
}

/** The globals of a response, by their keys. */
export const globalsOf = (response: string): ReadonlyMap<string, Json> =>
  new Map(
    items(get(parse(response), "globals")).map((g) => [
      text(get(g, "key")) ?? "",
      get(g, "value") ?? obj({}),
    ]),
  );
