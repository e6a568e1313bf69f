// The graph of a workflow: to look at, to edit, or with what happened in an execution. It is for the mouse
// and for touch; the list beside it, see list.tsx, has the same for the keyboard and for screen readers.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { NodeType } from "../api/types";
import { errorHandle, flow, type Point } from "../flow/document";
import { type Place, whyNotConnect } from "../flow/edits";
import type { Json } from "../json/lossless";
import { IconButton } from "../ui/controls";
import { plural } from "../ui/text";
import { connecting, movingNodes, type Surface } from "./drag";
import { EdgeTools, EdgeView, NodeView } from "./draw";
import { layout, nodeHeight, nodeWidth } from "./layout";
import { type Drag, type Hit, listen } from "./pointer";
import { type DrawnNode, maxDrawn, type Scene, scene, type States, taken } from "./scene";
import { View } from "./view";

export type { NodeState, States } from "./scene";

/** What can be done to a graph that is edited. */
export interface GraphEdit {
  /** The selected edge, by its index in `edges`. */
  edge: number | undefined;
  onEdge(index: number | undefined): void;
  /** Nodes that are selected together, beside the selected one. */
  marked: ReadonlySet<string>;
  onMark(ids: ReadonlySet<string>): void;
  /** Asks for a new node at a place. */
  onAdd(place: Place): void;
  onConnect(source: string, handle: string | undefined, target: string): void;
  onDisconnect(index: number): void;
  onMove(positions: ReadonlyMap<string, Point>): void;
  /** Gives all nodes new positions. */
  onTidy(): void;
}

export interface GraphProps {
  document: Json;
  types: ReadonlyMap<string, NodeType>;
  /** The id of the selected node. */
  selected?: string;
  onSelect: (id: string | undefined) => void;
  /** Without it, the graph can only be looked at. */
  edit?: GraphEdit;
  /** What became of the nodes in an execution, by id. */
  states?: States;
  /** The ids of nodes with mistakes. */
  problems?: ReadonlySet<string>;
}

const none: ReadonlySet<string> = new Set();
/** How many nodes of a large graph are drawn with their texts at first: those that are seen. The others follow. */
const first = 64;

export function Graph(props: GraphProps) {
  const { document, types, selected, edit, states, problems = none } = props;
  const editable = edit !== undefined;
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<SVGSVGElement>(null);
  const rubber = useRef<SVGPathElement>(null);
  const view = useRef<View>();
  const before = useRef<Scene>();
  const [zoom, setZoom] = useState(1);
  const [whole, setWhole] = useState(flow(document).nodes.length <= first);
  const [hovered, setHovered] = useState<number>();
  const [blocked, setBlocked] = useState(none);
  const { bounds } = layout(document);
  const drawn = useMemo(
    () => (before.current = scene(document, types, editable, before.current)),
    [document, types, editable],
  );
  const place = useMemo(() => new Map(flow(document).plan.map((n, i) => [n.id, i])), [document]);
  const latest = useRef({ props, drawn });
  latest.current = { props, drawn };

  useLayoutEffect(() => {
    const box = frame.current!;
    const v = (view.current = new View(box, canvas.current!, setZoom));
    v.draw(layout(latest.current.props.document).bounds);
    const begin = () => v.begin(startOf(latest.current.props.document));
    begin();
    const sizes = new ResizeObserver(begin);
    sizes.observe(box);
    const surface = (): Surface => ({
      view: v,
      canvas: canvas.current!,
      rubber: rubber.current!,
      document: latest.current.props.document,
      scene: latest.current.drawn,
    });
    const stop = listen(box, () => ({
      view: v,
      click: (hit, e) => click(hit, e, latest.current.props, latest.current.drawn.nodes),
      drag: (hit, e) => drag(hit, e, latest.current.props, surface(), setBlocked),
      hover: (hit) => {
        if (latest.current.props.edit)
          setHovered((was) =>
            hit.kind === "edge" || hit.kind === "plus" ? hit.index : hit.kind === "cut" ? was : undefined,
          );
      },
    }));
    return () => {
      sizes.disconnect();
      stop();
    };
  }, []);
  useEffect(() => {
    const timer = whole ? undefined : setTimeout(() => setWhole(true));
    return () => clearTimeout(timer);
  }, [whole]);
  useLayoutEffect(() => {
    view.current?.draw(bounds);
  }, [bounds]);
  useEffect(() => {
    const at = selected === undefined ? undefined : layout(document).positions.get(selected);
    if (at) view.current?.reveal({ ...at, width: nodeWidth, height: nodeHeight });
  }, [selected]);

  const f = flow(document);
  const tools = edit && [edit.edge, hovered].filter((i, at, all) => i !== undefined && all.indexOf(i) === at);
  return (
    <div class={`graph${editable ? " editable" : ""}${blocked.size ? " connecting" : ""}`}>
      <div
        class="graph-frame"
        ref={frame}
        tabIndex={0}
        role="group"
        onKeyDown={(e) => {
          if (keys(e, view.current)) e.preventDefault();
        }}
        aria-label="Graph. Arrow keys move it, plus and minus zoom, 0 shows all. The list has its nodes."
      >
        <svg
          ref={canvas}
          class="graph-canvas"
          role="img"
          width={bounds.width}
          height={bounds.height}
          viewBox={`${bounds.x} ${bounds.y} ${bounds.width} ${bounds.height}`}
          aria-label={`A graph with ${plural(f.nodes.length, "node")} and ${plural(f.edges.length, "edge")}`}
        >
          <g aria-hidden="true">
            {drawn.edges.map((d) => (
              <EdgeView
                key={d.edge.index}
                drawn={d}
                selected={edit?.edge === d.edge.index}
                editable={editable}
                taken={states && taken(d.edge, f.byId.get(d.edge.source), states)}
              />
            ))}
            {drawn.nodes.map((d) => (
              <NodeView
                key={d.node.id}
                drawn={d}
                plain={!whole && place.get(d.node.id)! >= first}
                selected={selected === d.node.id}
                marked={edit?.marked.has(d.node.id) ?? false}
                editable={editable}
                blocked={blocked.has(d.node.id)}
                problem={problems.has(d.node.id)}
                recorded={states !== undefined}
                state={states?.get(d.node.id)}
              />
            ))}
            {tools?.map((index) => {
              const d = drawn.edges.find((e) => e.edge.index === index);
              return d && <EdgeTools key={index} drawn={d} all={index === edit?.edge} />;
            })}
            <path ref={rubber} class="rubber" />
          </g>
        </svg>
      </div>
      {f.edges.length > maxDrawn && (
        <p class="graph-note small">
          {maxDrawn.toLocaleString("en")} of {plural(f.edges.length, "edge")} are drawn.
        </p>
      )}
      <div class="graph-tools">
        {edit && (
          <IconButton
            icon="tidy"
            label="Arrange all nodes"
            small
            onClick={() => {
              edit.onTidy();
              requestAnimationFrame(() => view.current?.fit());
            }}
          />
        )}
        <IconButton icon="minus" label="Zoom out" small onClick={() => view.current?.zoomBy(1 / 1.25)} />
        <span class="zoom number" aria-label="Zoom">
          {Math.round(zoom * 100)}%
        </span>
        <IconButton icon="plus" label="Zoom in" small onClick={() => view.current?.zoomBy(1.25)} />
        <IconButton icon="fit" label="Show the whole graph" small onClick={() => view.current?.fit()} />
      </div>
    </div>
  );
}

/** Where the trigger is: what is shown first of a graph that is too large. */
function startOf(document: Json): Point | undefined {
  const first = flow(document).plan[0];
  return first && layout(document).positions.get(first.id);
}

/** Moves the view by keys. Returns false for other keys. */
function keys(e: KeyboardEvent, view: View | undefined): boolean {
  if (!view || e.ctrlKey || e.metaKey || e.altKey) return false;
  const step = e.shiftKey ? 240 : 60;
  switch (e.key) {
    case "ArrowLeft":
      view.pan(step, 0);
      return true;
    case "ArrowRight":
      view.pan(-step, 0);
      return true;
    case "ArrowUp":
      view.pan(0, step);
      return true;
    case "ArrowDown":
      view.pan(0, -step);
      return true;
    case "+":
    case "=":
      view.zoomBy(1.25);
      return true;
    case "-":
      view.zoomBy(1 / 1.25);
      return true;
    case "0":
      view.fit();
      return true;
    default:
      return false;
  }
}

function portOf(
  hit: Hit & { kind: "port" },
  nodes: readonly DrawnNode[],
): { source: string; handle: string | undefined } {
  const port = hit.port === "error" ? undefined : nodes.find((n) => n.node.id === hit.id)?.ports[hit.port];
  return { source: hit.id, handle: hit.port === "error" ? errorHandle : port?.handle };
}

function click(
  hit: Hit,
  e: PointerEvent,
  { edit, onSelect, selected }: GraphProps,
  nodes: readonly DrawnNode[],
): void {
  switch (hit.kind) {
    case "space":
      edit?.onEdge(undefined);
      edit?.onMark(none);
      onSelect(undefined);
      break;
    case "port": {
      const { source, handle } = portOf(hit, nodes);
      edit?.onAdd({ after: source, handle });
      break;
    }
    case "node":
      if (edit && (e.shiftKey || e.ctrlKey || e.metaKey)) {
        const marked = new Set(edit.marked);
        if (selected !== undefined && marked.size === 0) marked.add(selected);
        if (!marked.delete(hit.id)) marked.add(hit.id);
        edit.onMark(marked);
        return;
      }
      edit?.onEdge(undefined);
      edit?.onMark(none);
      onSelect(hit.id);
      break;
    case "edge":
      edit?.onEdge(hit.index);
      break;
    case "plus":
      edit?.onAdd({ edge: hit.index });
      break;
    case "cut":
      edit?.onDisconnect(hit.index);
      break;
  }
}

function drag(
  hit: Hit,
  e: PointerEvent,
  props: GraphProps,
  surface: Surface,
  block: (ids: ReadonlySet<string>) => void,
): Drag | undefined {
  const { edit, document, selected } = props;
  if (!edit) return undefined;
  if (hit.kind === "port") {
    const { source, handle } = portOf(hit, surface.scene.nodes);
    const wrong = flow(document)
      .nodes.filter((n) => whyNotConnect(document, source, n.id, handle) !== undefined)
      .map((n) => n.id);
    block(new Set(wrong));
    return connecting(surface, source, handle, e, (target, at) => {
      block(none);
      if (target !== undefined) edit.onConnect(source, handle, target);
      else if (at) edit.onAdd({ after: source, handle, position: at });
    });
  }
  if (hit.kind !== "node") return undefined;
  // On touch screens a node is moved only once it is selected: else one could not move the graph.
  if (e.pointerType === "touch" && hit.id !== selected && !edit.marked.has(hit.id)) return undefined;
  return movingNodes(surface, edit.marked.has(hit.id) ? edit.marked : new Set([hit.id]), e, (p) =>
    edit.onMove(p),
  );
}
