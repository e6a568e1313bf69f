// Where nodes and edges are drawn. Layers go from left to right. Positions in the document are used as they
// are; where there are none, this layout makes them.
import { type Flow, flow, type FlowEdge, type Point } from "../flow/document";
import type { Json } from "../json/lossless";
import { routeAround } from "./route";

export const nodeWidth = 192;
export const nodeHeight = 56;
/** Between two layers: room for curves and the names of handles. */
const layerGap = 96;
const nodeGap = 32;
/**
 * How often edges may pass a layer, all together. Those beyond it are drawn straight: nobody could follow
 * them.
 */
const maxLanes = 6000;
/** What a long edge takes of the height of a layer that it passes. */
const laneHeight = 16;

export interface Route {
  readonly edge: FlowEdge;
  /** From the source's right side, by the points between, to the target's left side. */
  readonly points: readonly Point[];
}
export interface Bounds {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}
export interface Layout {
  /** By id: the top left corners of nodes. */
  readonly positions: ReadonlyMap<string, Point>;
  /** One for each edge of the document, in their order. */
  readonly routes: readonly Route[];
  readonly bounds: Bounds;
}

/** The last layout, and what it was made of: typing in a form changes neither. */
let last: { shape: string; layout: Layout } | undefined;

/** The layout of a document. Documents with the same graph have the same Layout. */
export function layout(document: Json): Layout {
  const f = flow(document);
  const shape = JSON.stringify([f.nodes.map((n) => [n.id, n.position]), f.edges, f.trigger?.id]);
  if (last?.shape !== shape)
    last = { shape, layout: f.nodes.some((n) => n.position) ? placed(f) : arrange(f) };
  return last.layout;
}

/** The layout that a document has without the positions in it. */
export const autoLayout = (document: Json): Layout => arrange(flow(document));

/** A node, or the place where a long edge passes a layer. */
interface Cell {
  readonly id: string | undefined;
  readonly height: number;
  readonly layer: number;
  readonly before: Link[];
  readonly after: Link[];
  all: readonly Link[];
  order: number;
  /** The middle. */
  y: number;
}
interface Link {
  readonly cell: Cell;
  readonly weight: number;
}

function arrange(f: Flow): Layout {
  const layers: Cell[][] = [];
  const cells = new Map<string, Cell>();
  const add = (id: string | undefined, layer: number, height: number): Cell => {
    while (layers.length <= layer) layers.push([]);
    const list = layers[layer]!;
    const cell: Cell = { id, height, layer, before: [], after: [], all: [], order: list.length, y: 0 };
    list.push(cell);
    return cell;
  };
  for (const node of f.plan) cells.set(node.id, add(node.id, f.layers.get(node.id)!, nodeHeight));
  const lanes = new Map<FlowEdge, Cell[]>();
  let room = maxLanes;
  for (const edge of f.edges) {
    const from = cells.get(edge.source)!;
    const to = cells.get(edge.target)!;
    const lane: Cell[] = [];
    let last = from;
    room -= Math.max(0, to.layer - from.layer - 1);
    for (let layer = from.layer + 1; layer < to.layer && room >= 0; layer++) {
      const next = add(undefined, layer, laneHeight);
      link(last, next);
      lane.push(next);
      last = next;
    }
    // An edge that does not lead to a later layer is part of a cycle: it is drawn, and moves nothing.
    if (from.layer < to.layer && room >= 0) link(last, to);
    lanes.set(edge, lane);
  }
  order(layers);
  place(layers);
  const positions = new Map<string, Point>();
  let top = Infinity;
  for (const list of layers) for (const c of list) top = Math.min(top, c.y - c.height / 2);
  const x = (layer: number) => layer * (nodeWidth + layerGap);
  for (const [id, c] of cells)
    positions.set(id, { x: x(c.layer), y: Math.round(c.y - top - nodeHeight / 2) });
  const routes = f.edges.map((edge): Route => {
    let y = NaN;
    const points = lanes.get(edge)!.flatMap((c) => {
      // A lane that is hardly higher or lower than the one before it goes straight on: there is room for
      // that.
      const own = Math.round(c.y - top);
      if (!(Math.abs(own - y) <= nodeGap / 3)) y = own;
      return [
        { x: x(c.layer), y },
        { x: x(c.layer) + nodeWidth, y },
      ];
    });
    return { edge, points };
  });
  return finish(f, positions, routes);
}

/** Long edges are kept straight first, then short ones. */
function link(from: Cell, to: Cell): void {
  const weight =
    from.id === undefined && to.id === undefined ? 16 : from.id === undefined || to.id === undefined ? 2 : 1;
  from.after.push({ cell: to, weight });
  to.before.push({ cell: from, weight });
}

const sweeps = 12;
const settlings = 40;
/** Of these, those that look only at one side. */
const firstSettlings = 12;

/**
 * Orders the cells of each layer so that few edges cross: by the mean place of their neighbors, there and
 * back.
 */
function order(layers: Cell[][]): void {
  let best = layers.map((l) => [...l]);
  let fewest = crossings(layers);
  for (let i = 0; i < sweeps && fewest > 0; i++) {
    const forth = i % 2 === 0;
    const way = forth ? layers : [...layers].reverse();
    for (const list of way) {
      if (list.length < 2) continue;
      for (const c of list) c.y = mean(forth ? c.before : c.after, c);
      list.sort((a, b) => a.y - b.y || a.order - b.order);
      list.forEach((c, at) => {
        c.order = at;
      });
    }
    const now = crossings(layers);
    if (now < fewest) {
      fewest = now;
      best = layers.map((l) => [...l]);
    }
  }
  best.forEach((list, i) => {
    layers[i] = list;
    list.forEach((c, at) => {
      c.order = at;
    });
  });
}

const mean = (links: readonly Link[], c: Cell): number =>
  links.length ? links.reduce((sum, l) => sum + l.cell.order, 0) / links.length : c.order;

/** Counts the crossings of edges between neighboring layers: pairs of edges whose ends are the other way round. */
function crossings(layers: readonly Cell[][]): number {
  let count = 0;
  const ends: number[] = []; // sorted
  for (const list of layers) {
    ends.length = 0;
    for (const c of list) {
      const before = ends.length; // edges from one cell cross each other nowhere
      for (const l of c.after) count += before - firstAbove(ends, before, l.cell.order);
      for (const l of c.after) insert(ends, l.cell.order);
    }
  }
  return count;
}

/** The index of the first of n sorted numbers that is above x. */
function firstAbove(sorted: readonly number[], n: number, x: number): number {
  let low = 0;
  let high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! > x) high = middle;
    else low = middle + 1;
  }
  return low;
}

function insert(sorted: number[], x: number): void {
  let i = sorted.length;
  sorted.push(x);
  for (; i > 0 && sorted[i - 1]! > x; i--) sorted[i] = sorted[i - 1]!;
  sorted[i] = x;
}

/** Gives each cell its height: as near to its neighbors as the other cells of its layer allow. */
function place(layers: readonly Cell[][]): void {
  [offsets, first, weights, sums] = [[], [], [], []];
  for (const list of layers) {
    let y = 0;
    for (const c of list) {
      c.y = y + c.height / 2;
      c.all = c.before.concat(c.after);
      y += c.height + nodeGap;
    }
  }
  for (let i = 0; i < settlings; i++) {
    const one = i < firstSettlings;
    const forth = i % 2 === 0;
    let moved = 0;
    for (let l = 0; l < layers.length; l++) {
      const list = layers[forth ? l : layers.length - 1 - l]!;
      moved = Math.max(moved, settle(list, one ? (forth ? "before" : "after") : "all"));
    }
    if (!one && moved < 0.5) break;
  }
}

/** What settle works with, as long as the longest layer. */
let offsets: number[] = [];
/**
 * Blocks of cells that touch each other: where each begins, and the weight and sum of what its cells want.
 */
let first: number[] = [];
let weights: number[] = [];
let sums: number[] = [];

/**
 * Solves one layer exactly: the least sum of squared distances to what cells want, in their order and with
 * their gaps. Cells that would overlap form a block, which stands at the mean of what its cells want. Returns
 * the longest move.
 */
function settle(list: readonly Cell[], neighbors: "before" | "after" | "all"): number {
  let blocks = 0;
  let offset = 0;
  for (let i = 0; i < list.length; i++) {
    const c = list[i]!;
    if (i > 0) offset += (list[i - 1]!.height + c.height) / 2 + nodeGap;
    offsets[i] = offset;
    let weight = 0;
    let sum = 0;
    for (const l of c[neighbors]) {
      weight += l.weight;
      sum += l.weight * l.cell.y;
    }
    const wanted = weight ? sum / weight : c.y;
    weight ||= 0.01;
    first[blocks] = i;
    weights[blocks] = weight;
    sums[blocks] = weight * (wanted - offset);
    blocks++;
    while (
      blocks > 1 &&
      sums[blocks - 2]! / weights[blocks - 2]! > sums[blocks - 1]! / weights[blocks - 1]!
    ) {
      blocks--;
      weights[blocks - 1]! += weights[blocks]!;
      sums[blocks - 1]! += sums[blocks]!;
    }
  }
  let moved = 0;
  for (let b = 0; b < blocks; b++) {
    const end = b + 1 < blocks ? first[b + 1]! : list.length;
    for (let i = first[b]!; i < end; i++) {
      const y = sums[b]! / weights[b]! + offsets[i]!;
      moved = Math.max(moved, Math.abs(y - list[i]!.y));
      list[i]!.y = y;
    }
  }
  return moved;
}

/**
 * Uses the positions of the document. A node without one stands behind those that lead to it, where there is
 * room.
 */
function placed(f: Flow): Layout {
  const positions = new Map<string, Point>();
  for (const n of f.nodes) if (n.position) positions.set(n.id, n.position);
  for (const n of f.plan) {
    if (!positions.has(n.id)) positions.set(n.id, freePlace(f, n.id, positions));
  }
  return finish(f, positions, routeAround(f.edges, positions));
}

/** A place for a node near those that lead to it, or behind all others, which covers none of positions. */
export function freePlace(f: Flow, id: string, positions: ReadonlyMap<string, Point>): Point {
  const before = (f.into.get(id) ?? []).map((e) => positions.get(e.source)).filter((p) => p !== undefined);
  const all = [...positions].filter(([other]) => other !== id).map(([, p]) => p);
  let x = before.length
    ? Math.max(...before.map((p) => p.x)) + nodeWidth + layerGap
    : Math.min(0, ...all.map((p) => p.x));
  let y = before.length
    ? before.reduce((sum, p) => sum + p.y, 0) / before.length
    : Math.max(0, ...all.map((p) => p.y + nodeHeight + nodeGap));
  x = Math.round(x);
  y = Math.round(y);
  for (let tries = 0; tries <= all.length; tries++) {
    const hit = all.find(
      (p) => Math.abs(p.x - x) < nodeWidth + 24 && Math.abs(p.y - y) < nodeHeight + nodeGap / 2,
    );
    if (!hit) break;
    y = hit.y + nodeHeight + nodeGap;
  }
  return { x, y };
}

/** How far from its nodes a graph reaches: for stubs of handles and for names of edges. */
const margin = 32;

function finish(f: Flow, positions: ReadonlyMap<string, Point>, routes: readonly Route[]): Layout {
  const xs: number[] = [0];
  const ys: number[] = [0];
  if (f.nodes.length) (xs.pop(), ys.pop());
  for (const p of positions.values()) {
    xs.push(p.x, p.x + nodeWidth);
    ys.push(p.y, p.y + nodeHeight);
  }
  for (const r of routes)
    for (const p of r.points) {
      xs.push(p.x);
      ys.push(p.y);
    }
  const x = Math.min(...xs) - margin;
  const y = Math.min(...ys) - margin;
  return {
    positions,
    routes,
    bounds: { x, y, width: Math.max(...xs) + margin - x, height: Math.max(...ys) + margin - y },
  };
}
