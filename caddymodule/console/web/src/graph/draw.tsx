// How a node and an edge are drawn. Each is drawn again only when it has changed.
import { Component } from "preact";
import { triggerType } from "../flow/document";
import { iconOfType, iconPath } from "../ui/icons";
import { shapes, toneOf, wordOf } from "../ui/show";
import { duration } from "../ui/text";
import { nodeHeight, nodeWidth } from "./layout";
import type { DrawnEdge, DrawnNode, NodeState, Port } from "./scene";
import { ran } from "./scene";
import { fit } from "./text";

/** Draws again only if a property has changed. */
abstract class Still<P extends object> extends Component<P> {
  override shouldComponentUpdate(next: P): boolean {
    for (const key in next) if (next[key] !== (this.props as P)[key]) return true;
    return false;
  }
}

export interface NodeProps {
  drawn: DrawnNode;
  /** Only its outline is drawn yet. */
  plain: boolean;
  selected: boolean;
  marked: boolean;
  /** Edges can be drawn from it. */
  editable: boolean;
  /** The edge that is being drawn must not end here. */
  blocked: boolean;
  /** It has mistakes. */
  problem: boolean;
  /** The graph is one of an execution; state is what became of the node. */
  recorded: boolean;
  state: NodeState | undefined;
}

export class NodeView extends Still<NodeProps> {
  render({ drawn, plain, selected, marked, editable, blocked, problem, recorded, state }: NodeProps) {
    const { node, at, ports } = drawn;
    const names = [
      "gnode",
      node.type === triggerType && "trigger",
      selected && "selected",
      marked && "marked",
      blocked && "blocked",
      recorded && !ran(state) && "pale",
      state && `state ${toneOf(state.state)} is-${state.state}`,
    ];
    const box = <rect class="box" width={nodeWidth} height={nodeHeight} rx="10" />;
    const group = {
      class: names.filter(Boolean).join(" "),
      "data-node": node.id,
      transform: `translate(${at.x},${at.y})`,
    };
    if (plain) return <g {...group}>{box}</g>;
    return (
      <g {...group}>
        {box}
        <rect class="tile" x="10" y="10" width="36" height="36" rx="8" />
        <path class="sign" transform="translate(18,18)" d={iconPath(iconOfType(node.type))} />
        <text class="name" x="54" y="24">
          {fit(node.name, nodeWidth - 64, "600 14px")}
        </text>
        {state ? (
          <StateLine state={state} />
        ) : (
          <text class="about" x="54" y="42.500">
            {fit(aboutOf(drawn, recorded), nodeWidth - 64, "12.5px")}
          </text>
        )}
        {problem && (
          <g class="mark" transform={`translate(${nodeWidth - 4},4)`}>
            <circle r="9" />
            <path d="M0 -4.500v5M0 4v.01" />
          </g>
        )}
        {ports.map((p, i) => (
          <PortView key={i} port={p} index={i} editable={editable} />
        ))}
        {editable && selected && node.type !== triggerType && !ports.some((p) => p.error) && <ErrorStub />}
      </g>
    );
  }
}

const aboutOf = ({ node }: DrawnNode, recorded: boolean): string => (recorded ? "did not run" : node.type);

const stateWidth = nodeWidth - 77;
const stateFont = "12.5px";

/** The most of state, attempts and duration that fits: half a number would be read as another. */
function StateLine({ state }: { state: NodeState }) {
  const word = wordOf(state.state);
  const attempts = state.attempts && state.attempts > 1 && `${state.attempts} attempts`;
  const time = state.durationNs !== undefined && ran(state) && duration(state.durationNs);
  // A success is said by its sign.
  const short = toneOf(state.state) === "ok" && time ? time : word;
  const lines = [[word, attempts, time], [word, time]].map((l) => l.filter(Boolean).join(" · "));
  const fits = (text: string) => fit(text, stateWidth, stateFont) === text;
  return (
    <>
      <g class="badge-sign" transform="translate(54,31)">
        <circle cx="7" cy="7" r="7" />
        <path transform="scale(0.875)" d={shapes[toneOf(state.state)]} />
      </g>
      <text class="about" x="73" y="42.500">
        {fit(lines.find(fits) ?? short, stateWidth, stateFont)}
      </text>
    </>
  );
}

function PortView({ port, index, editable }: { port: Port; index: number; editable: boolean }) {
  if (port.connected)
    return (
      <g class="port" data-port={editable ? index : undefined}>
        {editable && <circle class="hit" cx={nodeWidth} cy={port.y} r="9" />}
        <circle class="dot" cx={nodeWidth} cy={port.y} r="3.500" />
      </g>
    );
  return (
    <g class="stub" data-port={index}>
      <path class="line" d={`M${nodeWidth} ${port.y}h11`} />
      <circle class="hit" cx={nodeWidth + 18} cy={port.y} r="12" />
      <circle class="dot" cx={nodeWidth + 18} cy={port.y} r="7" />
      <path class="cross" d={`M${nodeWidth + 14} ${port.y}h8M${nodeWidth + 18} ${port.y - 4}v8`} />
      {port.handle !== undefined && (
        <text class="label" x={nodeWidth + 29} y={port.y + 4}>
          {fit(port.handle, 56, "500 12px")}
        </text>
      )}
    </g>
  );
}

/** Where an edge for the failure of a node begins, if there is none. */
function ErrorStub() {
  const x = nodeWidth - 28;
  return (
    <g class="stub error" data-port="error">
      <path class="line" d={`M${x} ${nodeHeight}v10`} />
      <circle class="hit" cx={x} cy={nodeHeight + 18} r="12" />
      <circle class="dot" cx={x} cy={nodeHeight + 18} r="7.500" />
      <path class="cross" d={`M${x - 4} ${nodeHeight + 18}h8M${x} ${nodeHeight + 14}v8`} />
      <text class="label" text-anchor="end" x={x - 12} y={nodeHeight + 22}>
        if it fails
      </text>
    </g>
  );
}

export interface EdgeProps {
  drawn: DrawnEdge;
  selected: boolean;
  editable: boolean;
  /** Of an execution: whether it went this way. */
  taken: boolean | undefined;
}

export class EdgeView extends Still<EdgeProps> {
  render({ drawn, selected, editable, taken }: EdgeProps) {
    const end = drawn.points.at(-1)!;
    const names = [
      "gedge",
      drawn.error && "error",
      selected && "selected",
      taken === true && "taken",
      taken === false && "pale",
    ];
    return (
      <g class={names.filter(Boolean).join(" ")} data-edge={drawn.edge.index}>
        {editable && <path class="hit" d={drawn.path} />}
        <path class="line" d={drawn.path} />
        <path class="tip" d={`M${end.x - 6} ${end.y - 4}L${end.x} ${end.y}L${end.x - 6} ${end.y + 4}`} />
        {drawn.label !== undefined && (
          <text class="label" text-anchor="end" x={drawn.labelAt.x} y={drawn.labelAt.y}>
            {fit(drawn.label, 68, "500 12px")}
          </text>
        )}
      </g>
    );
  }
}

/** Buttons in the middle of an edge: a node can be put into it, and it can be deleted. */
export function EdgeTools({ drawn, all }: { drawn: DrawnEdge; all: boolean }) {
  return (
    <g class="edge-tools" transform={`translate(${drawn.middle.x},${drawn.middle.y})`}>
      <g data-plus={drawn.edge.index}>
        <title>Insert a node</title>
        <circle r="11" />
        <path d="M-5 0h10M0 -5v10" />
      </g>
      {all && (
        <g data-cut={drawn.edge.index} transform="translate(28,0)">
          <title>Delete the edge</title>
          <circle r="11" />
          <path d="M-4 -4l8 8M4 -4l-8 8" />
        </g>
      )}
    </g>
  );
}
