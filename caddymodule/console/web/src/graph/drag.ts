// Dragging: nodes to another place, and edges from a handle to a node. While it lasts, only the elements that
// move change.
import { flow, type Point } from "../flow/document";
import type { Json } from "../json/lossless";
import { layout, nodeHeight, nodeWidth } from "./layout";
import type { Drag } from "./pointer";
import { curve } from "./route";
import type { Scene } from "./scene";
import type { View } from "./view";

/** What is drawn on. */
export interface Surface {
  view: View;
  canvas: SVGSVGElement;
  /** The edge that is being drawn. */
  rubber: SVGPathElement;
  document: Json;
  scene: Scene;
}

/** Places are multiples of it: nodes stand in line without effort. */
const grid = 8;

export function movingNodes(
  surface: Surface,
  ids: ReadonlySet<string>,
  start: PointerEvent,
  done: (positions: ReadonlyMap<string, Point>) => void,
): Drag {
  const { view, canvas, scene, document } = surface;
  const { positions } = layout(document);
  const from = view.toGraph(start);
  const moved = scene.nodes.filter((n) => ids.has(n.node.id));
  const groups = new Map(
    moved.map((n) => [n, canvas.querySelector<SVGGElement>(`[data-node="${CSS.escape(n.node.id)}"]`)]),
  );
  const touched = scene.edges
    .filter((e) => ids.has(e.edge.source) || ids.has(e.edge.target))
    .map((drawn) => {
      const group = canvas.querySelector(`[data-edge="${drawn.edge.index}"]`);
      return {
        drawn,
        group,
        paths: [...(group?.querySelectorAll("path.line, path.hit") ?? [])],
        tip: group?.querySelector("path.tip"),
      };
    });
  const first = moved[0]!.at;
  let dx = 0;
  let dy = 0;
  return {
    move(e) {
      const to = view.toGraph(e);
      dx = Math.round((first.x + to.x - from.x) / grid) * grid - first.x;
      dy = Math.round((first.y + to.y - from.y) / grid) * grid - first.y;
      for (const [n, g] of groups) g?.setAttribute("transform", `translate(${n.at.x + dx},${n.at.y + dy})`);
      for (const { drawn, group, paths, tip } of touched) {
        group?.classList.add("loose");
        const a = drawn.points[0]!;
        const b = drawn.points.at(-1)!;
        const d = curve([
          ids.has(drawn.edge.source) ? { x: a.x + dx, y: a.y + dy } : a,
          ids.has(drawn.edge.target) ? { x: b.x + dx, y: b.y + dy } : b,
        ]);
        for (const p of paths) p.setAttribute("d", d);
        tip?.setAttribute("transform", ids.has(drawn.edge.target) ? `translate(${dx},${dy})` : "");
      }
    },
    end(_, ok) {
      // Back to what was rendered, so that the next rendering starts from it.
      for (const [n, g] of groups) g?.setAttribute("transform", `translate(${n.at.x},${n.at.y})`);
      for (const { drawn, group, paths, tip } of touched) {
        group?.classList.remove("loose");
        for (const p of paths) p.setAttribute("d", drawn.path);
        tip?.removeAttribute("transform");
      }
      if (!ok || (dx === 0 && dy === 0)) return;
      // Once one node has a place of its own, all keep theirs: nothing else moves.
      const next = new Map<string, Point>();
      for (const n of flow(document).nodes) {
        const p = positions.get(n.id)!;
        if (ids.has(n.id)) next.set(n.id, { x: p.x + dx, y: p.y + dy });
        else if (!n.position) next.set(n.id, p);
      }
      done(next);
    },
  };
}

/**
 * Draws an edge from a handle. done gets the node under the pointer or, over free space, the place for a new
 * one.
 */
export function connecting(
  { view, canvas, rubber, scene, document }: Surface,
  source: string,
  handle: string | undefined,
  start: PointerEvent,
  done: (target: string | undefined, at: Point | undefined) => void,
): Drag {
  const drawn = scene.nodes.find((n) => n.node.id === source)!;
  const port = drawn.ports.find((p) => p.handle === handle);
  const a = { x: drawn.at.x + nodeWidth, y: drawn.at.y + (port?.y ?? nodeHeight / 2) };
  const { positions } = layout(document);
  const begun = view.toGraph(start);
  const nodeAt = (p: Point): string | undefined => {
    for (const [id, q] of positions) {
      if (p.x >= q.x - 24 && p.x <= q.x + nodeWidth && p.y >= q.y - 8 && p.y <= q.y + nodeHeight + 8)
        return id;
    }
    return undefined;
  };
  let over: Element | undefined;
  const show = (id: string | undefined) => {
    over?.classList.remove("over");
    over =
      id === undefined || id === source
        ? undefined
        : (canvas.querySelector(`[data-node="${CSS.escape(id)}"]`) ?? undefined);
    over?.classList.add("over");
  };
  return {
    move(e) {
      const p = view.toGraph(e);
      const id = nodeAt(p);
      show(id);
      const at = id !== undefined && id !== source ? positions.get(id)! : undefined;
      rubber.setAttribute("d", curve([a, at ? { x: at.x, y: at.y + nodeHeight / 2 } : p]));
    },
    end(e, ok) {
      rubber.removeAttribute("d");
      show(undefined);
      const p = view.toGraph(e);
      const id = nodeAt(p);
      const far = Math.hypot(p.x - begun.x, p.y - begun.y) > 60;
      done(
        ok && id !== source ? id : undefined,
        ok && id === undefined && far ? { x: p.x, y: p.y - nodeHeight / 2 } : undefined,
      );
    },
  };
}
