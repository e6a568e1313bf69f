// What is before and after an execution in the list that one came from.
import { useEffect, useState } from "preact/hooks";
import { apiPath, getJson, serverNow } from "../api/client";
import type { Executions, Summary } from "../api/types";
import { apiQuery, type Filter, filterKey } from "./filter";
import { listOf, type RunList } from "./list";

export interface Pair {
  readonly newer?: string;
  readonly older?: string;
}

/** The neighbors of an execution among rows, the newest first. */
export function neighborsIn(rows: readonly Summary[], id: string): Pair {
  const newer = rows.findLast((s) => s.id > id);
  const older = rows.find((s) => s.id < id);
  return { newer: newer?.id, older: older?.id };
}

/** Finds the neighbors in the list of a filter: as it was shown, else as it is on the server. */
export function useNeighbors(filter: Filter, id: string, acceptedAt: string | undefined): Pair {
  const [pair, setPair] = useState<Pair>({});
  useEffect(() => {
    if (acceptedAt === undefined) return; // the record comes first
    const stop = new AbortController();
    find(listOf(filter), filter, id, acceptedAt, stop.signal).then(setPair, () => setPair({}));
    return () => stop.abort();
  }, [filterKey(filter), id, acceptedAt]);
  return pair;
}

async function find(
  list: RunList,
  filter: Filter,
  id: string,
  acceptedAt: string,
  signal: AbortSignal,
): Promise<Pair> {
  const { loaded, rows } = list.view.peek();
  if (!loaded) await list.load(true);
  const shown = list.view.peek().rows.shown;
  const near = neighborsIn(shown, id);
  const covered = shown.some((s) => s.id <= id);
  if (near.older !== undefined || (covered && rows.next === undefined))
    return covered ? near : { ...near, newer: undefined };
  // It is older than what the list has, or the last in it.
  const query = { ...apiQuery(filter, serverNow()), to: acceptedAt, limit: 5 };
  const page = await getJson<Executions>(apiPath(["executions"], query), signal);
  return { newer: covered ? near.newer : undefined, older: neighborsIn(page.executions, id).older };
}

/** Executions that ran this one again, as far as the newest ones of its workflow tell. */
export async function replaysOf(s: Summary, signal: AbortSignal): Promise<string[]> {
  const page = await getJson<Executions>(
    apiPath(["executions"], { workflow: s.workflow, from: s.endedAt, limit: 200 }),
    signal,
  );
  return page.executions
    .filter((r) => r.replayOf === s.id)
    .map((r) => r.id)
    .slice(0, 5);
}
