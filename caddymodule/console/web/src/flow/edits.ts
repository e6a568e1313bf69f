// Edits of a document: each returns a new one, or says why it refuses. Unknown keys, the order of keys and
// the digits of numbers stay.
import type { NodeType } from "../api/types";
import { arr, get, items, type Json, members, num, obj, set, str } from "../json/lossless";
import {
  downstream,
  errorHandle,
  flow,
  type FlowNode,
  handles,
  maxNodes,
  type Point,
  triggerType,
  validId,
} from "./document";
import { renameInSource, renameInText } from "./rename";

/** A new document, and the node that it is about; or the reason why there is none. */
export type Edit =
  | { readonly document: Json; readonly node?: string; readonly refused?: undefined }
  | { readonly refused: string };

const refuse = (refused: string): Edit => ({ refused });

/** Where a new node goes. */
export interface Place {
  /** Behind this node... */
  readonly after?: string;
  /** ...at this handle of it. */
  readonly handle?: string;
  /** Instead: into the edge at this index of `edges`. */
  readonly edge?: number;
  readonly position?: Point;
}

/**
 * Where a node goes if nobody says where: into the selected edge, behind the selected node, or behind the
 * last one.
 */
export function defaultPlace(
  document: Json,
  types: ReadonlyMap<string, NodeType>,
  node: string | undefined,
  edge: number | undefined,
): Place {
  if (edge !== undefined) return { edge };
  const f = flow(document);
  const after = (node !== undefined ? f.byId.get(node) : undefined) ?? f.plan.at(-1);
  if (!after) return {};
  const out = f.out.get(after.id) ?? [];
  const ways = handles(document, after.id, types).filter((h) => !h.error);
  const free = ways.find((h) => !out.some((e) => e.handle === h.name)) ?? ways[0];
  return { after: after.id, handle: free?.name };
}

/**
 * Adds a node of a type. main is the handle by which what comes behind it is reached: undefined = success.
 */
export function addNode(document: Json, type: string, config: Json, place: Place = {}, main?: string): Edit {
  const f = flow(document);
  if (f.nodes.length >= maxNodes) return refuse(`A workflow has at most ${maxNodes} nodes.`);
  const id = freeId(document, validId(type) ? type : "node");
  const node = obj([["id", str(id)], ["type", str(type)], ["config", config], ...position(place.position)]);
  let next = set(document, ["nodes"], arr(...items(get(document, "nodes")), node));
  if (place.edge !== undefined) return insertOnEdge(next, place.edge, id, main);
  if (place.after !== undefined) {
    if (!f.byId.has(place.after)) return refuse(`There is no node ${place.after}.`);
    next = append(next, edge(place.after, id, place.handle));
  }
  return { document: next, node: id };
}

const position = (p: Point | undefined): [string, Json][] => (p ? [["position", pointJson(p)]] : []);
const pointJson = (p: Point): Json =>
  obj([
    ["x", num(Math.round(p.x))],
    ["y", num(Math.round(p.y))],
  ]);

const edge = (source: string, target: string, handle?: string): Json =>
  obj([
    ["source", str(source)],
    ["target", str(target)],
    ...(handle === undefined ? [] : [["sourceHandle", str(handle)] as const]),
  ]);
const append = (document: Json, e: Json): Json =>
  set(document, ["edges"], arr(...items(get(document, "edges")), e));

/** An id that no node has: wanted, or wanted-2, wanted-3... */
export function freeId(document: Json, wanted: string): string {
  const taken = new Set(
    items(get(document, "nodes"))
      .map((n) => get(n, "id"))
      .map((id) => (id?.kind === "string" ? id.value : "")),
  );
  if (!taken.has(wanted)) return wanted;
  const base = wanted.replace(/-\d+$/, "").slice(0, 58);
  for (let n = 2; ; n++) if (!taken.has(`${base}-${n}`)) return `${base}-${n}`;
}

/** Why no edge may lead from source to target by handle, or undefined. */
export function whyNotConnect(
  document: Json,
  source: string,
  target: string,
  handle?: string,
): string | undefined {
  const f = flow(document);
  if (!f.byId.has(source)) return `There is no node ${source}.`;
  if (!f.byId.has(target)) return `There is no node ${target}.`;
  if (f.byId.get(target)!.type === triggerType) return "Nothing can lead to the trigger.";
  if (source === target) return "A node cannot lead to itself.";
  if (f.byId.get(source)!.type === triggerType && handle !== undefined) return "The trigger has no handles.";
  if (f.out.get(source)?.some((e) => e.target === target && e.handle === handle))
    return "These nodes are connected already.";
  if (downstream(document, target).has(source))
    return `${source} comes after ${target}: this would be a cycle.`;
  return undefined;
}

export function connect(document: Json, source: string, target: string, handle?: string): Edit {
  const reason = whyNotConnect(document, source, target, handle);
  return reason ? refuse(reason) : { document: append(document, edge(source, target, handle)), node: target };
}

export function disconnect(document: Json, index: number): Edit {
  const edges = items(get(document, "edges"));
  if (!edges[index]) return refuse("There is no such edge any more.");
  return { document: set(document, ["edges", index], undefined) };
}

/** Puts a node into an edge: source, node, target. The handle of the edge stays at its source. */
export function insertOnEdge(document: Json, index: number, id: string, main?: string): Edit {
  const e = flow(document).edges.find((found) => found.index === index);
  if (!e) return refuse("There is no such edge any more.");
  const first = whyNotConnect(document, e.source, id, e.handle);
  if (first) return refuse(first);
  // Without the edge, so that a node which is not connected yet can never close a cycle.
  const edges = items(get(document, "edges"));
  let next = set(
    document,
    ["edges"],
    arr(...edges.map((old, i) => (i === index ? set(old, ["target"], str(id)) : old))),
  );
  const second = whyNotConnect(next, id, e.target, main);
  if (second) return refuse(second);
  next = append(next, edge(id, e.target, main));
  return { document: next, node: id };
}

/**
 * Deletes nodes with their edges. What came before such a node then leads to what came after it, so that a
 * chain stays one: unless the node chose between several ways. The trigger cannot be deleted.
 */
export function deleteNodes(document: Json, ids: Iterable<string>): Edit {
  let next = document;
  for (const id of ids) {
    const f = flow(next);
    const node = f.byId.get(id);
    if (!node) continue;
    if (node.type === triggerType && f.nodes.filter((n) => n.type === triggerType).length === 1)
      return refuse("A workflow needs its trigger.");
    const into = f.into.get(id) ?? [];
    const out = (f.out.get(id) ?? []).filter((e) => e.handle !== errorHandle);
    next = withoutNode(next, node);
    if (new Set(out.map((e) => e.handle)).size > 1) continue;
    for (const before of into) {
      for (const after of out) {
        const whole = connect(next, before.source, after.target, before.handle);
        if (whole.refused === undefined) next = whole.document;
      }
    }
  }
  return next === document ? refuse("There is no such node any more.") : { document: next };
}

function withoutNode(document: Json, node: FlowNode): Json {
  const edges = items(get(document, "edges"));
  const left = edges.filter((e) => !isText(get(e, "source"), node.id) && !isText(get(e, "target"), node.id));
  const next = set(document, ["nodes", node.index], undefined);
  return left.length === edges.length ? next : set(next, ["edges"], arr(...left));
}
const isText = (v: Json | undefined, text: string): boolean => v?.kind === "string" && v.value === text;

/** Copies nodes, with the edges between them, and from the same sources. The copies stand a little lower. */
export function duplicate(document: Json, ids: readonly string[]): Edit {
  const f = flow(document);
  const originals = ids.map((id) => f.byId.get(id)).filter((n): n is FlowNode => n !== undefined);
  if (originals.length === 0) return refuse("There is no such node any more.");
  if (originals.some((n) => n.type === triggerType)) return refuse("A workflow has one trigger.");
  if (f.nodes.length + originals.length > maxNodes)
    return refuse(`A workflow has at most ${maxNodes} nodes.`);
  let next = document;
  const copies = new Map<string, string>();
  for (const node of originals) {
    const id = freeId(next, node.id);
    copies.set(node.id, id);
    let copy = set(node.value, ["id"], str(id));
    if (node.position)
      copy = set(copy, ["position"], pointJson({ x: node.position.x, y: node.position.y + 80 }));
    next = set(next, ["nodes"], arr(...items(get(next, "nodes")), copy));
  }
  for (const e of f.edges) {
    const target = copies.get(e.target);
    if (target)
      next = append(
        next,
        set(
          set(items(get(document, "edges"))[e.index], ["source"], str(copies.get(e.source) ?? e.source)),
          ["target"],
          str(target),
        ),
      );
  }
  // Copies read each other, as the originals do.
  for (const copy of copies.values()) {
    const node = flow(next).byId.get(copy)!;
    let value = node.value;
    for (const [from, to] of copies) if (from !== to) value = renameIn(value, from, to, node.type);
    next = set(next, ["nodes", node.index], value);
  }
  return { document: next, node: copies.get(originals.at(-1)!.id) };
}

/** Gives a node another id, everywhere: templates, edges and responseNodeId that name it follow. */
export function renameNode(document: Json, from: string, to: string): Edit {
  const f = flow(document);
  const node = f.byId.get(from);
  if (!node) return refuse(`There is no node ${from} any more.`);
  if (from === to) return { document, node: to };
  if (!validId(to)) return refuse("An ID is a letter or digit, then at most 63 letters, digits, - or _.");
  if (f.byId.has(to)) return refuse(`Another node has the ID ${to}.`);
  let next = document;
  f.nodes.forEach((n) => {
    let value = renameIn(n.value, from, to, n.type);
    if (n === node) value = set(value, ["id"], str(to));
    if (n.type === triggerType && isText(get(value, "config", "webhook", "responseNodeId"), from)) {
      value = set(value, ["config", "webhook", "responseNodeId"], str(to));
    }
    if (value !== n.value) next = set(next, ["nodes", n.index], value);
  });
  items(get(document, "edges")).forEach((e, i) => {
    for (const end of ["source", "target"])
      if (isText(get(e, end), from)) next = set(next, ["edges", i, end], str(to));
  });
  return { document: next, node: to };
}

/** Renames in what may hold templates: config and forEach. */
function renameIn(node: Json, from: string, to: string, type: string): Json {
  let next = node;
  for (const key of ["config", "forEach"]) {
    const value = get(node, key);
    const renamed = value && mapStrings(value, (s) => renameInText(s, from, to));
    if (renamed && renamed !== value) next = set(next, [key], renamed);
  }
  const source = get(next, "config", "source");
  if (type === "code" && source?.kind === "string") {
    const renamed = renameInSource(source.value, from, to);
    if (renamed !== source.value) next = set(next, ["config", "source"], str(renamed));
  }
  return next;
}

/** Changes the strings in a value, not the keys. What has none that change stays the same value. */
function mapStrings(v: Json, change: (s: string) => string): Json {
  switch (v.kind) {
    case "string": {
      const s = change(v.value);
      return s === v.value ? v : str(s);
    }
    case "array": {
      const list = v.items.map((item) => mapStrings(item, change));
      return list.every((item, i) => item === v.items[i]) ? v : { kind: "array", items: list };
    }
    case "object": {
      const map = new Map([...v.members].map(([k, m]) => [k, mapStrings(m, change)] as const));
      return [...map].every(([k, m]) => v.members.get(k) === m) ? v : { kind: "object", members: map };
    }
    default:
      return v;
  }
}

/** Moves nodes to positions. Other keys of `position` stay. */
export function setPositions(document: Json, positions: ReadonlyMap<string, Point>): Edit {
  const f = flow(document);
  const nodes = [...items(get(document, "nodes"))];
  for (const [id, p] of positions) {
    const node = f.byId.get(id);
    if (node)
      nodes[node.index] = set(
        node.value,
        ["position"],
        obj([
          ...members(get(node.value, "position")),
          ["x", num(Math.round(p.x))],
          ["y", num(Math.round(p.y))],
        ]),
      );
  }
  return { document: set(document, ["nodes"], arr(...nodes)) };
}

/** Moves a node before or behind its neighbor in the same layer of the plan: they change places in `nodes`. */
export function moveInPlan(document: Json, id: string, by: 1 | -1): Edit {
  const { plan, layers } = flow(document);
  const at = plan.findIndex((n) => n.id === id);
  const node = plan[at];
  const other = plan[at + by];
  if (!node || !other || layers.get(other.id) !== layers.get(id))
    return refuse("Only nodes that can run at the same time change places.");
  const nodes = [...items(get(document, "nodes"))];
  nodes[node.index] = other.value;
  nodes[other.index] = node.value;
  return { document: set(document, ["nodes"], arr(...nodes)), node: id };
}

/** Gives the edges of a renamed handle its new name: after a case of a switch was renamed. */
export function renameHandle(document: Json, id: string, from: string, to: string): Json {
  let next = document;
  for (const e of flow(document).out.get(id) ?? [])
    if (e.handle === from) next = set(next, ["edges", e.index, "sourceHandle"], str(to));
  return next;
}
