// What is drawn: from a document, its layout, and what happened in an execution.
import { errorHandle, flow, type FlowEdge, type FlowNode, handles, type Point } from "../flow/document";
import { get, type Json, text } from "../json/lossless";
import type { NodeType } from "../api/types";
import { layout, nodeHeight, nodeWidth } from "./layout";
import { curve } from "./route";

/** What became of a node in an execution. */
export interface NodeState {
  state: string;
  durationNs?: number;
  handle?: string;
  attempts?: number;
  startedAt?: string;
}
export type States = ReadonlyMap<string, NodeState>;

/** A place at a node's right side where edges begin. */
export interface Port {
  readonly handle: string | undefined;
  readonly error: boolean;
  readonly connected: boolean;
  /** From the node's top. */
  readonly y: number;
}
export interface DrawnNode {
  readonly node: FlowNode;
  readonly at: Point;
  readonly ports: readonly Port[];
}
export interface DrawnEdge {
  readonly edge: FlowEdge;
  readonly error: boolean;
  /** From the port of the source to the target. */
  readonly points: readonly Point[];
  readonly path: string;
  /** The name of its handle, and where it stands: the end of the text. */
  readonly label: string | undefined;
  readonly labelAt: Point;
  /** Where a node can be inserted. */
  readonly middle: Point;
}
export interface Scene {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** How many edges are drawn. The list and the forms have them all. */
export const maxDrawn = 2000;

/**
 * With stubs, there are ports also for handles that have no edge. What is as in before is the same object, so
 * that it is not drawn again.
 */
export function scene(
  document: Json,
  types: ReadonlyMap<string, NodeType>,
  stubs: boolean,
  before?: Scene,
): Scene {
  const f = flow(document);
  const l = layout(document);
  const routes = new Map(f.edges.map((e, i) => [e, l.routes[i]!.points]));
  const arrival = arrivals(f.edges);
  const starts = new Map<FlowEdge, Point>();
  const nodes = f.nodes.map((node, index): DrawnNode => {
    const at = l.positions.get(node.id)!;
    const out = f.out.get(node.id) ?? [];
    const next = (e: FlowEdge) => routes.get(e)?.[0]?.y ?? l.positions.get(e.target)!.y + nodeHeight / 2;
    const found = handles(document, node.id, types).map((h) => {
      const edges = out.filter((e) => e.handle === h.name);
      const height = edges.length
        ? edges.reduce((sum, e) => sum + next(e), 0) / edges.length
        : at.y + nodeHeight / 2;
      return { handle: h.name, error: h.error, connected: edges.length > 0, edges, height };
    });
    const shown = found.filter((p) => p.connected || (stubs && !p.error));
    // Ports in the order of what they lead to: then their edges do not cross. Those that lead nowhere stand
    // last.
    shown.sort(
      (a, b) => Number(b.connected) - Number(a.connected) || (a.connected ? a.height - b.height : 0),
    );
    const step = Math.min(16, (nodeHeight - 16) / Math.max(1, shown.length - 1));
    const ports = shown.map((p, i): Port => {
      const y = nodeHeight / 2 + (i - (shown.length - 1) / 2) * step;
      for (const e of p.edges) starts.set(e, { x: at.x + nodeWidth, y: at.y + y });
      return { handle: p.handle, error: p.error, connected: p.connected, y };
    });
    const old = before?.nodes[index];
    return old &&
      old.node.value === node.value &&
      old.node.index === node.index &&
      same(old.at, at) &&
      same(old.ports, ports)
      ? old
      : { node, at, ports };
  });
  const labels = new Map<string, number>();
  const edges = f.edges.slice(0, maxDrawn).map((edge, index): DrawnEdge => {
    const start = starts.get(edge)!;
    const target = l.positions.get(edge.target)!;
    const end = { x: target.x, y: target.y + nodeHeight / 2 + arrival.get(edge)! };
    const points = [start, ...routes.get(edge)!, end];
    const near = points[1]!;
    const key = `${Math.round(near.x)} ${Math.round(near.y)}`;
    const stacked = edge.handle === undefined ? 0 : (labels.get(key) ?? 0);
    if (edge.handle !== undefined) labels.set(key, stacked + 1);
    const drawn = {
      edge,
      error: edge.handle === errorHandle,
      points,
      path: curve(points),
      label: edge.handle,
      // Outside of the curve, which comes from above or from below.
      labelAt: {
        x: near.x - 12,
        y: start.y < near.y - 4 ? near.y + 14 + 14 * stacked : near.y - 6 - 14 * stacked,
      },
      middle: { x: (start.x + near.x) / 2, y: (start.y + near.y) / 2 },
    };
    const old = before?.edges[index];
    return old && same(old, drawn) ? old : drawn;
  });
  return { nodes, edges };
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Edges between the same nodes arrive a little beside each other. */
function arrivals(edges: readonly FlowEdge[]): Map<FlowEdge, number> {
  const pairs = new Map<string, FlowEdge[]>();
  for (const e of edges) {
    const key = `${e.source} ${e.target}`;
    const list = pairs.get(key);
    if (list) list.push(e);
    else pairs.set(key, [e]);
  }
  const offsets = new Map<FlowEdge, number>();
  for (const list of pairs.values())
    list.forEach((e, i) => offsets.set(e, (i - (list.length - 1) / 2) * Math.min(14, 40 / list.length)));
  return offsets;
}

/** Whether a node did something in an execution. */
export const ran = (s: NodeState | undefined): boolean =>
  s !== undefined && !["skipped", "stopped", "pending", "not_run"].includes(s.state);

/** Whether an execution went along an edge. */
export function taken(edge: FlowEdge, source: FlowNode | undefined, states: States): boolean {
  const s = states.get(edge.source);
  if (!s || !ran(states.get(edge.target))) return false;
  if (edge.handle === errorHandle) return s.state === "failed";
  if (s.state === "failed")
    return edge.handle === undefined && text(get(source?.value, "onError")) === "continue";
  return s.state === "succeeded" && (edge.handle === undefined || edge.handle === s.handle);
}
