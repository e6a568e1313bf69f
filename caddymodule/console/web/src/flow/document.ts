// What a workflow document says: its nodes, edges, layers and plan order. A document that is being edited may
// be wrong anywhere, so that nothing here throws: what cannot be read is left out, and `validate` tells about
// it.
import { get, items, type Json, text } from "../json/lossless";
import type { NodeType } from "../api/types";

export const triggerType = "trigger";
export const errorHandle = "error";
export const maxNodes = 256;

export interface FlowNode {
  /** Where it is in `nodes`. */
  readonly index: number;
  readonly id: string;
  readonly type: string;
  /** What people read: the id if the document gives no name. */
  readonly name: string;
  readonly config: Json | undefined;
  readonly position: Point | undefined;
  readonly value: Json;
}
export interface FlowEdge {
  /** Where it is in `edges`. */
  readonly index: number;
  readonly source: string;
  readonly target: string;
  /** The `sourceHandle`; undefined = followed when the source succeeds. */
  readonly handle: string | undefined;
}
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The graph of a document. */
export interface Flow {
  readonly nodes: readonly FlowNode[];
  /** The edges between existing nodes. */
  readonly edges: readonly FlowEdge[];
  readonly byId: ReadonlyMap<string, FlowNode>;
  readonly trigger: FlowNode | undefined;
  readonly out: ReadonlyMap<string, readonly FlowEdge[]>;
  readonly into: ReadonlyMap<string, readonly FlowEdge[]>;
  /** By id: the length of the longest path to the node. The trigger alone has 0. */
  readonly layers: ReadonlyMap<string, number>;
  /** Layer by layer, in the order of `nodes`: the order in which nodes are recorded and listed. */
  readonly plan: readonly FlowNode[];
  /** How many nodes and edges cannot be shown: no or a repeated id, or an end that does not exist. */
  readonly unreadable: number;
}

const known = new WeakMap<Json, Flow>();

/** Reads a document. The same document gives the same Flow. */
export function flow(document: Json): Flow {
  let f = known.get(document);
  if (!f) known.set(document, (f = read(document)));
  return f;
}

function read(document: Json): Flow {
  const nodes: FlowNode[] = [];
  const byId = new Map<string, FlowNode>();
  let unreadable = 0;
  items(get(document, "nodes")).forEach((value, index) => {
    const id = text(get(value, "id"));
    if (!id || byId.has(id)) {
      unreadable++;
      return;
    }
    const node: FlowNode = {
      index,
      id,
      value,
      type: text(get(value, "type")) ?? "",
      name: text(get(value, "name")) || id,
      config: get(value, "config"),
      position: pointOf(get(value, "position")),
    };
    nodes.push(node);
    byId.set(id, node);
  });
  const edges: FlowEdge[] = [];
  const out = new Map<string, FlowEdge[]>();
  const into = new Map<string, FlowEdge[]>();
  items(get(document, "edges")).forEach((value, index) => {
    const source = text(get(value, "source"));
    const target = text(get(value, "target"));
    if (!source || !target || !byId.has(source) || !byId.has(target)) {
      unreadable++;
      return;
    }
    const edge = { index, source, target, handle: text(get(value, "sourceHandle")) };
    edges.push(edge);
    push(out, source, edge);
    push(into, target, edge);
  });
  const trigger = nodes.find((n) => n.type === triggerType);
  const layers = layersOf(nodes, out, into, trigger);
  const plan = [...nodes].sort((a, b) => layers.get(a.id)! - layers.get(b.id)! || a.index - b.index);
  return { nodes, edges, byId, trigger, out, into, layers, plan, unreadable };
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

function pointOf(value: Json | undefined): Point | undefined {
  const x = get(value, "x");
  const y = get(value, "y");
  if (x?.kind !== "number" || y?.kind !== "number") return undefined;
  const p = { x: Number(x.text), y: Number(y.text) };
  return Math.abs(p.x) <= maxCoordinate && Math.abs(p.y) <= maxCoordinate ? p : undefined;
}
/** Positions beyond it are not used: they would be a mistake, and nothing could be seen at that scale. */
const maxCoordinate = 100_000;

/** The nodes of a cycle come last, each behind the one before it. */
function layersOf(
  nodes: readonly FlowNode[],
  out: ReadonlyMap<string, readonly FlowEdge[]>,
  into: ReadonlyMap<string, readonly FlowEdge[]>,
  trigger: FlowNode | undefined,
): Map<string, number> {
  const layers = new Map<string, number>();
  const waiting = new Map<string, number>();
  const ready: string[] = [];
  for (const n of nodes) {
    const before = into.get(n.id)?.length ?? 0;
    waiting.set(n.id, before);
    // A node that nothing leads to is unreachable: it stands beside those that follow the trigger.
    layers.set(n.id, n === trigger ? 0 : 1);
    if (before === 0) ready.push(n.id);
  }
  for (let i = 0; i < ready.length; i++) {
    const id = ready[i]!;
    for (const e of out.get(id) ?? []) {
      layers.set(e.target, Math.max(layers.get(e.target)!, layers.get(id)! + 1));
      waiting.set(e.target, waiting.get(e.target)! - 1);
      if (waiting.get(e.target) === 0) ready.push(e.target);
    }
  }
  if (ready.length < nodes.length) {
    let layer = Math.max(0, ...ready.map((id) => layers.get(id)!));
    for (const n of nodes) if (waiting.get(n.id)! > 0) layers.set(n.id, ++layer);
  }
  return layers;
}

/** The ids of the nodes from which a node can be reached: those whose outputs its templates may use. */
export function upstream(document: Json, id: string): ReadonlySet<string> {
  return reach(id, (at) => (flow(document).into.get(at) ?? []).map((e) => e.source));
}

/** The ids of the nodes that can be reached from a node. */
export function downstream(document: Json, id: string): ReadonlySet<string> {
  return reach(id, (at) => (flow(document).out.get(at) ?? []).map((e) => e.target));
}

function reach(from: string, next: (id: string) => string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [from];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const id of next(at))
      if (!found.has(id)) {
        found.add(id);
        open.push(id);
      }
  }
  found.delete(from);
  return found;
}

/** A way out of a node. */
export interface Handle {
  /** The `sourceHandle` of its edges; undefined = they have none. */
  readonly name: string | undefined;
  /** Followed when the node fails. */
  readonly error: boolean;
}

/** Whether a node chooses one of its handles, as conditions do. */
export const routes = (type: NodeType | undefined): boolean => !!type?.handles?.length || !!type?.handlesFrom;

/**
 * The handles of a node: what its type and its config name, else the one without a name; then `error`.
 * Handles that only edges name are there, too, so that no edge begins nowhere.
 */
export function handles(document: Json, id: string, types: ReadonlyMap<string, NodeType>): Handle[] {
  const f = flow(document);
  const node = f.byId.get(id);
  if (!node) return [];
  const type = types.get(node.type);
  const names = new Set<string | undefined>();
  if (node.type !== triggerType && routes(type)) {
    // Cases come before "default", as they are read.
    for (const name of namesAt(node.config, type?.handlesFrom)) names.add(name);
    for (const name of type?.handles ?? []) names.add(name);
  } else if (node.type === triggerType || type) {
    names.add(undefined);
  }
  names.delete(errorHandle);
  for (const e of f.out.get(id) ?? []) if (e.handle !== errorHandle) names.add(e.handle);
  if (names.size === 0) names.add(undefined);
  const list: Handle[] = [...names].map((name) => ({ name, error: false }));
  if (node.type !== triggerType) list.push({ name: errorHandle, error: true });
  return list;
}

/** The texts at a path such as cases[].name. */
function namesAt(config: Json | undefined, path: string | undefined): string[] {
  if (!path) return [];
  let values: Json[] = config ? [config] : [];
  for (const step of path.replaceAll("[]", ".[]").split(".")) {
    values = values.flatMap((v) => {
      if (step === "[]") return [...items(v)];
      const member = get(v, step);
      return member ? [member] : [];
    });
  }
  return values.flatMap((v) => (v.kind === "string" && v.value ? [v.value] : []));
}

/** Node types by name. */
export const byType = (list: readonly NodeType[]): ReadonlyMap<string, NodeType> =>
  new Map(list.map((t) => [t.type, t]));

/** Whether an id is allowed for workflows and nodes. */
export const validId = (id: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id);

/** Whether a problem's path, such as nodes[2].config.url, is about the node, or the edge, at an index. */
export function problemAt(
  path: string,
): { list: "nodes" | "edges"; index: number; rest: string } | undefined {
  const found = /^(nodes|edges)\[(\d+)\]\.?(.*)$/s.exec(path);
  return found
    ? { list: found[1] as "nodes" | "edges", index: Number(found[2]), rest: found[3]! }
    : undefined;
}
