// The nodes in plan order: what the keyboard and screen readers use beside the graph.
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { errorHandle, flow, type FlowNode } from "../flow/document";
import type { Json } from "../json/lossless";
import { Icon, iconOfType } from "../ui/icons";
import { Badge } from "../ui/show";
import { duration, line } from "../ui/text";
import { ran, type States } from "./scene";

export interface NodeListProps {
  document: Json;
  selected?: string;
  /** Called as the arrow keys move, and on a click. */
  onSelect: (id: string) => void;
  /** Opens what belongs to a node: Enter, or a click. */
  onOpen?: (id: string) => void;
  /** Other keys, on a node. Returns true if it has used the key. */
  onKey?: (e: KeyboardEvent, id: string) => boolean;
  states?: States;
  /** By id: how many mistakes a node has. */
  problems?: ReadonlyMap<string, number>;
  label?: string;
}

/** How many rows of a long list are drawn at first: those that are seen. The others follow. */
const first = 48;

export function NodeList({
  document,
  selected,
  onSelect,
  onOpen,
  onKey,
  states,
  problems,
  label = "Nodes in plan order",
}: NodeListProps) {
  const list = useRef<HTMLUListElement>(null);
  const f = flow(document);
  const current = selected !== undefined && f.byId.has(selected) ? selected : f.plan[0]?.id;

  const [whole, setWhole] = useState(f.plan.length <= first);
  useEffect(() => {
    const timer = whole ? undefined : setTimeout(() => setWhole(true));
    return () => clearTimeout(timer);
  }, [whole]);
  useEffect(() => {
    const row = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    row?.scrollIntoView({ block: "nearest" });
    if (list.current?.contains(window.document.activeElement)) row?.focus({ preventScroll: true });
  }, [selected, whole]);

  const onKeyDown = (e: KeyboardEvent) => {
    const at = f.plan.findIndex((n) => n.id === current);
    if (current === undefined || at < 0) return;
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: f.plan.length - 1,
      PageDown: at + 10,
      PageUp: at - 10,
    }[e.key];
    const plain = !e.ctrlKey && !e.metaKey && !e.altKey;
    if (to !== undefined && plain) {
      const next = f.plan[Math.max(0, Math.min(f.plan.length - 1, to))]!.id;
      onSelect(next);
      list.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(next)}"]`)?.focus();
    } else if ((e.key === "Enter" || e.key === " ") && plain) {
      if (selected === undefined) onSelect(current);
      onOpen?.(current);
    } else if (!onKey?.(e, current)) return;
    e.preventDefault();
    e.stopPropagation();
  };

  return (
    <ul class="node-list" role="listbox" aria-label={label} ref={list} onKeyDown={onKeyDown}>
      {(whole ? f.plan : f.plan.slice(0, first)).map((n) => {
        const state = states?.get(n.id);
        const mistakes = problems?.get(n.id) ?? 0;
        return (
          <li
            key={n.id}
            role="option"
            data-id={n.id}
            aria-selected={n.id === selected}
            tabIndex={n.id === current ? 0 : -1}
            class={`${n.type === "trigger" ? "trigger" : ""}${states && !ran(state) ? " pale" : ""}`}
            onClick={() => {
              onSelect(n.id);
              onOpen?.(n.id);
            }}
          >
            <span class="tile">
              <Icon name={iconOfType(n.type)} size={16} />
            </span>
            <span class="names">
              <span class="cut">{line(n.name, 80)}</span>
              <span class="cut muted small">{about(document, n)}</span>
            </span>
            {state && (
              <span class="end">
                <Badge state={state.state} />
                {ran(state) && state.durationNs !== undefined && (
                  <span class="muted small number">{duration(state.durationNs)}</span>
                )}
              </span>
            )}
            {mistakes > 0 && (
              <span class="end">
                <Badge state="invalid" word={mistakes === 1 ? "1 problem" : `${mistakes} problems`} />
              </span>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** Where a node stands in the graph, in words. */
function about(document: Json, n: FlowNode): ComponentChildren {
  const f = flow(document);
  const into = f.into.get(n.id) ?? [];
  if (into.length === 0)
    return n.type === "trigger" ? "starts the workflow" : `${line(n.type, 40)} · not connected`;
  const [first] = into;
  const name = line(f.byId.get(first!.source)!.name, 40);
  const way =
    first!.handle === undefined
      ? `after ${name}`
      : first!.handle === errorHandle
        ? `if ${name} fails`
        : `${name}: ${line(first!.handle, 40)}`;
  return into.length === 1 ? way : `after ${into.length} edges`;
}
