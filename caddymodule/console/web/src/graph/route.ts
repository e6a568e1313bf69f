// How edges get from node to node: through the lanes of the layout, or around nodes that people have placed.
import type { FlowEdge, Point } from "../flow/document";
import { nodeHeight, nodeWidth, type Route } from "./layout";

/** How far an edge stays away from nodes that it passes. */
const clearance = 16;
/** How far an edge that goes back reaches beyond its nodes. */
const loop = 48;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/**
 * Routes edges between placed nodes: straight to the target where no node is in the way, else along a free
 * height.
 */
export function routeAround(edges: readonly FlowEdge[], positions: ReadonlyMap<string, Point>): Route[] {
  const boxes = new Map<string, Box>();
  for (const [id, p] of positions) {
    boxes.set(id, {
      left: p.x - clearance,
      right: p.x + nodeWidth + clearance,
      top: p.y - clearance,
      bottom: p.y + nodeHeight + clearance,
    });
  }
  return edges.map((edge) => {
    const from = positions.get(edge.source)!;
    const to = positions.get(edge.target)!;
    const a = { x: from.x + nodeWidth, y: from.y + nodeHeight / 2 };
    const b = { x: to.x, y: to.y + nodeHeight / 2 };
    const others = [...boxes]
      .filter(([id]) => id !== edge.source && id !== edge.target)
      .map(([, box]) => box);
    return { edge, points: between(a, b, others) };
  });
}

function between(a: Point, b: Point, others: readonly Box[]): Point[] {
  const forward = b.x - a.x >= 2 * clearance;
  if (forward && !others.some((box) => curveHits(a, b, box))) return [];
  // Along the height that is the least way off, at which nothing stands between the two nodes. Back, the edge
  // bends around both of them.
  const left = forward ? a.x + 2 * clearance : b.x - loop;
  const right = forward ? b.x - 2 * clearance : a.x + loop;
  const inWay = others.filter((box) => box.right > left && box.left < right);
  const heights = inWay.flatMap((box) => [box.top - 1, box.bottom + 1]);
  const beside = nodeHeight / 2 + clearance;
  if (forward) heights.push(a.y, b.y);
  else heights.push((a.y + b.y) / 2, Math.max(a.y, b.y) + beside + 1, Math.min(a.y, b.y) - beside - 1);
  const off = (y: number) => Math.abs(y - a.y) + Math.abs(y - b.y);
  const free = heights.filter(
    (y) =>
      (forward || (Math.abs(y - a.y) >= beside && Math.abs(y - b.y) >= beside)) &&
      !inWay.some((box) => y > box.top && y < box.bottom),
  );
  const y = free.sort((p, q) => off(p) - off(q))[0];
  if (y === undefined) return [];
  return forward
    ? [
        { x: left, y },
        { x: right, y },
      ]
    : [
        { x: a.x, y },
        { x: b.x, y },
      ];
}

/** Whether the curve of an edge without points between touches a box. */
function curveHits(a: Point, b: Point, box: Box): boolean {
  if (box.right < a.x || box.left > b.x) return false;
  if (box.bottom < Math.min(a.y, b.y) || box.top > Math.max(a.y, b.y)) return false;
  for (let i = 1; i < 16; i++) {
    const t = i / 16;
    const x = a.x + (b.x - a.x) * (1.5 * t - 1.5 * t * t + t * t * t);
    const y = a.y + (b.y - a.y) * (3 * t * t - 2 * t * t * t);
    if (x > box.left && x < box.right && y > box.top && y < box.bottom) return true;
  }
  return false;
}

/** The curve through points: it leaves and arrives from left to right. */
export function curve(points: readonly Point[]): string {
  let d = "";
  points.forEach((p, i) => {
    const last = points[i - 1];
    if (!last) d = `M${p.x} ${p.y}`;
    else if (last.y === p.y) d += `H${p.x}`;
    else {
      const bend = (p.x - last.x) / 2;
      // Back to the left: out of the source by a loop at its right, into the target by one at its left.
      const [out, into] =
        p.x > last.x
          ? [last.x + bend, p.x - bend]
          : i === 1 && points.length > 2
            ? [last.x + loop, p.x + loop]
            : [last.x - loop, p.x - loop];
      d += `C${out} ${last.y} ${into} ${p.y} ${p.x} ${p.y}`;
    }
  });
  return d;
}
