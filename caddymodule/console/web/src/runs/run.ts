// One execution as it is known now: its record, changed by events while it runs.
import type { ExecutionRecord, LiveEvent, NodeRecord, Summary } from "../api/types";
import { type Flow, triggerType } from "../flow/document";
import type { Json } from "../json/lossless";
import { isEnded } from "./actions";
import { newer } from "./rows";

const ended = (n: NodeRecord): boolean => n.state !== "pending" && n.state !== "running";

/** What an event changes. An event that is older than what is known changes nothing. */
export function withEvent(
  record: ExecutionRecord | undefined,
  event: LiveEvent,
  id: string,
): ExecutionRecord | undefined {
  if (event.kind === "execution" && event.execution.id === id) return withSummary(record, event.execution);
  if (event.kind !== "node" || event.execution !== id || !record || isEnded(record.status)) return record;
  const nodes = record.nodes ?? [];
  const at = nodes.findIndex((n) => n.id === event.node.id);
  if (at < 0) return { ...record, nodes: [...nodes, event.node] };
  if (ended(nodes[at]!) && !ended(event.node)) return record;
  return { ...record, nodes: nodes.with(at, { ...nodes[at]!, ...event.node }) };
}

function withSummary(record: ExecutionRecord | undefined, s: Summary): ExecutionRecord {
  if (!record) return { ...s };
  return newer(record, s) ? { ...record, ...s } : record;
}

/**
 * A record that was loaded, joined with what events told meanwhile: nodes that events saw end do not run
 * again because the record was read before.
 */
export function withRecord(old: ExecutionRecord | undefined, loaded: ExecutionRecord): ExecutionRecord {
  if (!old || isEnded(loaded.status)) return loaded;
  if (isEnded(old.status)) return old;
  const known = new Map(old.nodes?.map((n) => [n.id, n]));
  const nodes = (loaded.nodes ?? []).map((n) => {
    const seen = known.get(n.id);
    known.delete(n.id);
    return seen && ended(seen) && !ended(n) ? seen : n;
  });
  return { ...loaded, nodes: [...nodes, ...known.values()] };
}

/** The trigger's row among the nodes. */
export const triggerRow = "trigger";

/** A row of the list of nodes. */
export interface RunNode {
  readonly id: string;
  readonly name: string;
  readonly record: NodeRecord;
  /** It is the trigger: its output is the data of the request. */
  readonly trigger: boolean;
}

/** The nodes in plan order, as the document has them, else as the record has them. */
export function nodesOf(record: ExecutionRecord, flow: Flow | undefined): RunNode[] {
  const known = new Map(record.nodes?.map((n) => [n.id, n]));
  const triggerId = flow?.trigger?.id ?? triggerRow;
  const unknown: NodeRecord["state"] = isEnded(record.status) ? "not_run" : "pending";
  const state = record.startedAt === undefined ? unknown : "completed";
  const list: RunNode[] = [
    {
      id: triggerId,
      name: flow?.trigger?.name ?? "Trigger",
      trigger: true,
      record: { id: triggerId, type: triggerType, state },
    },
  ];
  known.delete(triggerId);
  for (const n of flow?.plan ?? []) {
    if (n.id === triggerId) continue;
    list.push({
      id: n.id,
      name: n.name,
      trigger: false,
      record: known.get(n.id) ?? { id: n.id, type: n.type, state: unknown },
    });
    known.delete(n.id);
  }
  for (const n of known.values()) list.push({ id: n.id, name: n.id, trigger: false, record: n });
  return list;
}

/** The node that is shown at first: where it failed, else what runs, else the last one that ran. */
export function firstNode(record: ExecutionRecord, nodes: readonly RunNode[]): string | undefined {
  const failing = nodes.find((n) => n.id === record.node) ?? nodes.find((n) => n.record.state === "failed");
  if (failing) return failing.id;
  const running = nodes.find((n) => n.record.state === "running");
  return (running ?? nodes.findLast((n) => n.record.state === "completed"))?.id;
}

/** The line of code that an error names. */
export function codeLine(message: string | undefined): { line: number; column?: number } | undefined {
  const found = /\(line (\d{1,6})(?:, column (\d{1,6}))?\)\s*$/.exec(message ?? "");
  return found
    ? { line: Number(found[1]), column: found[2] === undefined ? undefined : Number(found[2]) }
    : undefined;
}

/** The lines of a text around one of them. */
export function linesAround(source: string, line: number, around = 3): { n: number; text: string }[] {
  const lines = source.split("\n");
  if (line < 1 || line > lines.length) return [];
  const first = Math.max(1, line - around);
  return lines.slice(first - 1, line + around).map((text, i) => ({ n: first + i, text }));
}

/** What is known of one execution. */
export interface RunView {
  readonly record?: ExecutionRecord;
  /** The record as the server sent it. */
  readonly text?: string;
  /** The document that it ran with. */
  readonly document?: Json;
  /** The document was asked for. */
  readonly documentAsked: boolean;
  readonly loading: boolean;
  /** "unknown" = there is none, or not any more; "unrecorded" = it was seen, and left no record. */
  readonly gone?: "unknown" | "unrecorded";
  readonly error?: Error;
}
