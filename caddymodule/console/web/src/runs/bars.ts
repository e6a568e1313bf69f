// When the nodes of an execution ran, as bars on a common axis.
import type { Call, NodeRecord, Summary } from "../api/types";
import { duration } from "../ui/text";
import { nanos } from "./time";

/** A bar: both ends are nanoseconds after the axis begins. */
export interface Bar {
  readonly from: number;
  readonly to: number;
  readonly kind: "attempt" | "wait" | "items" | "running";
  readonly failed: boolean;
  readonly text: string;
}
export interface Lane {
  readonly id: string;
  readonly bars: readonly Bar[];
  /** What the bars say, in words. */
  readonly text: string;
}
export interface Tick {
  readonly at: number;
  readonly text: string;
}
export interface Timeline {
  /** The length of the axis, in nanoseconds. */
  readonly total: number;
  readonly lanes: readonly Lane[];
  readonly ticks: readonly Tick[];
  /** How long the execution waited before it started, in nanoseconds; it is not on the axis. */
  readonly waited: number;
}

/**
 * Lays out the nodes. The axis begins when the execution started. now is the server's time, for what still
 * runs. repeats says which nodes run once per item.
 */
export function layout(
  s: Summary,
  nodes: readonly NodeRecord[],
  now: string,
  repeats: (id: string) => boolean = () => false,
): Timeline {
  const origin = s.startedAt ?? s.acceptedAt;
  const end = positive(nanos(origin, s.endedAt ?? now));
  const lanes = nodes.map((n): Lane => {
    const bars = n.startedAt === undefined ? [] : barsOf(n, origin, end, repeats(n.id));
    return { id: n.id, bars, text: textOf(n, bars) };
  });
  // Clocks of machines differ: no bar may stand outside.
  const total = Math.max(1, end, ...lanes.flatMap((l) => l.bars.map((b) => b.to)));
  return { total, lanes, ticks: ticks(total), waited: positive(nanos(s.acceptedAt, s.startedAt)) };
}

const positive = (n: number): number => (n > 0 ? n : 0);

function barsOf(n: NodeRecord, origin: string, end: number, repeats: boolean): Bar[] {
  const from = positive(nanos(origin, n.startedAt));
  const running = n.durationNs === undefined && (n.state === "running" || n.state === "pending");
  const to = running ? Math.max(from, end) : from + (n.durationNs ?? 0);
  const calls = n.calls ?? [];
  if (running) return [{ from, to, kind: "running", failed: false, text: "running" }];
  if (repeats || calls.some((c) => c.item !== undefined && c.item > 0)) {
    const { items, failed } = itemsOf(calls);
    return [{ from, to, kind: "items", failed: failed > 0, text: itemsText(n, items, failed) }];
  }
  if (calls.length < 2)
    return [{ from, to, kind: "attempt", failed: failedNode(n), text: duration(to - from) }];
  const bars: Bar[] = [];
  calls.forEach((c, i) => {
    const start = positive(nanos(origin, c.start));
    const next = calls[i + 1];
    const limit = next ? positive(nanos(origin, next.start)) : to;
    const stop = c.durationNs === undefined ? limit : start + c.durationNs;
    const took = duration(positive(stop - start));
    bars.push({
      from: start,
      to: Math.max(start, stop),
      kind: "attempt",
      failed: !!c.code,
      text: `attempt ${c.attempt}: ${took}${c.code ? `, ${c.code}` : ""}`,
    });
    if (next && limit > stop)
      bars.push({
        from: stop,
        to: limit,
        kind: "wait",
        failed: false,
        text: `waited ${duration(limit - stop)}`,
      });
  });
  return bars;
}

/** A node that failed may have been handled: then its state is completed, and it still has a code. */
export const failedNode = (n: NodeRecord): boolean => n.state === "failed" || !!n.code;

function itemsOf(calls: readonly Call[]): { items: number; failed: number } {
  const last = new Map<number, Call>();
  for (const c of calls) {
    const item = c.item ?? 0;
    if ((last.get(item)?.attempt ?? 0) <= c.attempt) last.set(item, c);
  }
  return { items: last.size, failed: [...last.values()].filter((c) => c.code).length };
}

function itemsText(n: NodeRecord, items: number, failed: number): string {
  const many = n.callsCut ? `more than ${items} items` : items === 1 ? "1 item" : `${items} items`;
  const more = n.attempts !== undefined && n.attempts > items ? `, ${n.attempts} attempts` : "";
  return `${many}${more}${failed ? `, ${failed} failed` : ""}`;
}

function textOf(n: NodeRecord, bars: readonly Bar[]): string {
  if (bars.length === 0) return "";
  if (bars[0]!.kind === "running") return "running";
  const took = duration(n.durationNs ?? 0);
  const waits = bars.filter((b) => b.kind === "wait").reduce((sum, b) => sum + b.to - b.from, 0);
  if (bars[0]!.kind === "items") return `${took}, ${bars[0]!.text}`;
  const attempts = bars.filter((b) => b.kind === "attempt").length;
  return attempts < 2
    ? took
    : `${took}, ${attempts} attempts${waits > 0 ? `, ${duration(waits)} of waiting` : ""}`;
}

/** Three to six round times on the axis, from 0. */
export function ticks(total: number): Tick[] {
  const rough = total / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  // Minutes and hours are no powers of ten.
  const round =
    total >= 5 * 60e9
      ? [60e9, 120e9, 300e9, 600e9, 1800e9, 3600e9, 7200e9, 6 * 3600e9, 24 * 3600e9]
      : [1, 2, 5, 10].map((n) => n * power);
  const step = round.find((n) => n >= rough) ?? rough;
  const list: Tick[] = [];
  for (let at = 0; at <= total && list.length < 8; at += step)
    list.push({ at, text: at === 0 ? "0" : duration(at) });
  return list;
}
