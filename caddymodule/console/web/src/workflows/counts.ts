// How often workflows ran in the last day. The server counts by the hour; what ends while the page
// is open is added to that at once, and the counts are loaded again every now and then.
import { useEffect, useMemo, useReducer, useRef } from "preact/hooks";
import { apiPath, getJson } from "../api/client";
import { type Data, useData } from "../api/data";
import { onEvent } from "../api/live";
import type { Counts, Status, Summary, WorkflowCounts } from "../api/types";

export const hours = 24;
const hour = 3_600_000;

/** The runs of one workflow, by the hour. */
export interface Runs {
  last?: WorkflowCounts["last"];
  p50Ns?: number;
  succeeded: number[];
  failed: number[];
  cancelled: number[];
  total: number;
  /** Of total: failed or timed out. */
  bad: number;
}

const ended: readonly Status[] = ["succeeded", "failed", "cancelled", "timed_out"];

/** Adds up what the server has counted, and what ended since. */
export function runsOf(
  counts: WorkflowCounts | undefined,
  since: readonly Summary[] | undefined,
  from: number,
): Runs {
  const copy = (list?: number[]) => Array.from({ length: hours }, (_, i) => list?.[i] ?? 0);
  const runs: Runs = {
    last: counts?.last,
    p50Ns: counts?.p50Ns,
    total: 0,
    bad: 0,
    succeeded: copy(counts?.succeeded),
    failed: copy(counts?.failed),
    cancelled: copy(counts?.cancelled),
  };
  counts?.timed_out?.forEach((n, i) => {
    runs.failed[i]! += n;
  });
  for (const { status, id, endedAt } of since ?? []) {
    const at = Date.parse(endedAt ?? "");
    const list =
      status === "succeeded" ? runs.succeeded : status === "cancelled" ? runs.cancelled : runs.failed;
    const index = Math.floor((at - from) / hour);
    if (index >= 0 && index < hours) list[index]!++;
    if (!runs.last || at >= Date.parse(runs.last.endedAt)) runs.last = { status, id, endedAt: endedAt! };
  }
  const sum = (list: number[]) => list.reduce((a, b) => a + b, 0);
  runs.bad = sum(runs.failed);
  runs.total = runs.bad + sum(runs.succeeded) + sum(runs.cancelled);
  return runs;
}

/** More ends than this are not noted until the counts are loaded again. */
const maxNoted = 5000;

/** What the server has counted. Rejections are in no event, so that it is loaded again every minute too. */
export const useCounts = (): Data<Counts> =>
  useData(
    "counts",
    (signal) => getJson<Counts>(apiPath(["counts"], { hours }), signal),
    (e) => e.kind === "more" || (e.kind === "execution" && ended.includes(e.execution.status)),
    { pause: 15_000, every: 60_000 },
  );

/** Gives the runs of each workflow. */
export function useRuns(): { of: (id: string) => Runs; loaded: boolean } {
  const counts = useCounts();
  const noted = useRef<{ base?: Counts; n: number; by: Map<string, Summary[]> }>({ n: 0, by: new Map() });
  if (noted.current.base !== counts.value) noted.current = { base: counts.value, n: 0, by: new Map() };
  const [, show] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const off = onEvent((e) => {
      if (e.kind !== "execution" || !ended.includes(e.execution.status) || noted.current.n >= maxNoted)
        return;
      noted.current.n++;
      const { by } = noted.current;
      const list = by.get(e.execution.workflow);
      if (list) list.push(e.execution);
      else by.set(e.execution.workflow, [e.execution]);
      timer ??= setTimeout(() => {
        timer = undefined;
        show(undefined as never);
      }, 300);
    });
    return () => {
      off();
      clearTimeout(timer);
    };
  }, []);
  const by = useMemo(() => new Map(counts.value?.workflows.map((w) => [w.id, w])), [counts.value]);
  const from = Date.parse(counts.value?.from ?? "");
  return {
    of: (id) => runsOf(by.get(id), noted.current.by.get(id), from),
    loaded: counts.value !== undefined,
  };
}
