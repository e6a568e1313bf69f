// The nodes of an execution in plan order, each with its bars on a common axis of time.
import { Component } from "preact";
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { serverNow } from "../api/client";
import type { ExecutionRecord } from "../api/types";
import { Badge, wordOf } from "../ui/show";
import { duration, line, visible } from "../ui/text";
import { isEnded } from "./actions";
import { useTick } from "./Elapsed";
import type { RunNode } from "./run";
import { rfc3339 } from "./time";
import { type Bar, failedNode, type Lane, layout } from "./bars";

interface Props {
  record: ExecutionRecord;
  nodes: readonly RunNode[];
  repeats: (id: string) => boolean;
  selected?: string;
  onSelect: (id: string) => void;
}

/** By keyboard: up and down, Home and End. */
export function Timeline({ record, nodes, repeats, selected, onSelect }: Props) {
  const running = !isEnded(record.status);
  useTick(running);
  const list = useRef<HTMLOListElement>(null);
  const now = running ? Math.floor(serverNow() / 250) * 250 : 0;
  const shown = useMemo(
    () =>
      layout(
        record,
        nodes.map((n) => n.record),
        rfc3339(now),
        repeats,
      ),
    [record, nodes, now, repeats],
  );
  const current = Math.max(
    0,
    nodes.findIndex((n) => n.id === selected),
  );
  useLayoutEffect(() => {
    // Only the list is scrolled, not the page.
    const box = list.current;
    const row = box?.children[current] as HTMLElement | undefined;
    if (!box || !row) return;
    const top = row.offsetTop - box.offsetTop;
    if (top < box.scrollTop || top + row.offsetHeight > box.scrollTop + box.clientHeight)
      box.scrollTop = top - box.clientHeight / 2;
  }, [current]);
  const onKeyDown = (e: KeyboardEvent) => {
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: nodes.length - 1 }[e.key];
    if (to === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const next = nodes[Math.min(Math.max(to, 0), nodes.length - 1)];
    if (!next) return;
    onSelect(next.id);
    (list.current?.children[nodes.indexOf(next)]?.firstElementChild as HTMLElement | null)?.focus();
  };
  const choose = useRef(onSelect);
  choose.current = onSelect;
  const pick = useMemo(() => (id: string) => choose.current(id), []);
  return (
    <section class="timeline card" aria-label="Nodes in the order of the plan, with their times">
      <div class="lane axis" aria-hidden="true">
        <span class="lane-name muted small">
          {shown.waited > 1e6 && `waited ${duration(shown.waited)}`}
        </span>
        <span class="lane-bars">
          {shown.ticks.map((t) => (
            <span key={t.at} class="lane-tick" style={{ left: percent(t.at, shown.total) }}>
              {t.text}
            </span>
          ))}
        </span>
        <span />
      </div>
      <div class="lanes">
        <div class="lane lane-grid" aria-hidden="true">
          <span />
          <span class="lane-bars">
            {shown.ticks.map((t) => (
              <i key={t.at} style={{ left: percent(t.at, shown.total) }} />
            ))}
          </span>
          <span />
        </div>
        <ol ref={list} onKeyDown={onKeyDown}>
          {nodes.map((n, i) => (
            <LaneRow
              key={n.id}
              node={n}
              lane={shown.lanes[i]!}
              total={shown.total}
              selected={n.id === selected}
              focusable={i === current}
              onSelect={pick}
            />
          ))}
        </ol>
      </div>
    </section>
  );
}

const percent = (at: number, total: number): string => `${(100 * at) / total}%`;

interface RowProps {
  node: RunNode;
  lane: Lane;
  total: number;
  selected: boolean;
  focusable: boolean;
  onSelect: (id: string) => void;
}

/** One row. It is rendered again only when it has changed: there may be hundreds. */
class LaneRow extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return (
      now.node !== next.node ||
      now.lane !== next.lane ||
      now.total !== next.total ||
      now.selected !== next.selected ||
      now.focusable !== next.focusable
    );
  }

  override render({ node, lane, total, selected, focusable, onSelect }: RowProps) {
    const { record } = node;
    const handled = record.state !== "failed" && failedNode(record);
    const [took, more] = [
      lane.text.split(",", 1)[0]!,
      lane.text.slice(lane.text.indexOf(",") + 1 || lane.text.length),
    ];
    const word = handled ? "failed, and was handled" : wordOf(record.state);
    return (
      <li>
        <button
          type="button"
          class="lane"
          aria-pressed={selected}
          tabIndex={focusable ? 0 : -1}
          onClick={() => onSelect(node.id)}
        >
          <span class="lane-name">
            <Badge state={node.trigger ? "live" : record.state} tone={handled ? "warn" : undefined} word="" />
            <span class="cut" title={visible(node.id)}>
              {line(node.name, 80)}
            </span>
            <span class="visually-hidden">{word}</span>
          </span>
          <span class="lane-bars">
            {lane.bars.map((b, i) => (
              <BarMark key={i} bar={b} total={total} handled={handled} />
            ))}
          </span>
          {lane.text ? (
            <span class="lane-time number" title={lane.text}>
              {took}
              {more && <span class="visually-hidden">{more}</span>}
            </span>
          ) : (
            <span class="lane-time muted" aria-hidden="true">
              {note(node)}
            </span>
          )}
        </button>
      </li>
    );
  }
}

const note = (n: RunNode): string =>
  n.trigger ? "" : n.record.state === "completed" ? "before a restart" : wordOf(n.record.state);

function BarMark({ bar, total, handled }: { bar: Bar; total: number; handled: boolean }) {
  const kind =
    bar.kind === "wait"
      ? "wait"
      : bar.kind === "running"
        ? "running"
        : bar.failed
          ? handled
            ? "handled"
            : "failed"
          : "done";
  return (
    <span
      class={`lane-bar ${kind}${bar.kind === "items" ? " items" : ""}`}
      title={visible(bar.text)}
      style={{ left: percent(bar.from, total), width: percent(bar.to - bar.from, total) }}
    />
  );
}
