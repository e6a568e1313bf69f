// What is before and after an execution in the list that one came from.
import { useEffect, useState } from "preact/hooks";
import { apiPath, getJson, serverNow } from "../api/client";
import type { Executions, Summary } from "../api/types";
import { apiQuery, type Filter, filterKey } from "./filter";
import { listOf, type RunList } from "./list";
import { rfc3339 } from "./time";

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
  if (!list.view.peek().loaded) await list.load(true);
  const { rows } = list.view.peek();
  const near = neighborsIn(rows.shown, id);
  const reached = rows.shown.some((s) => s.id <= id); // the list goes down to this execution
  const search: Search = (query) => {
    const to = filter.to && filter.to < query.to! ? filter.to : query.to;
    const all = { ...apiQuery(filter, serverNow()), ...query, to };
    return getJson<Executions>(apiPath(["executions"], all), signal);
  };
  return {
    newer: reached ? near.newer : await newerThan(id, Date.parse(acceptedAt), search),
    older:
      near.older ??
      (reached && rows.next === undefined ? undefined : await olderThan(id, acceptedAt, search)),
  };
}

type Search = (query: Record<string, string>) => Promise<Executions>;

const olderThan = async (id: string, acceptedAt: string, search: Search): Promise<string | undefined> =>
  neighborsIn((await search({ to: acceptedAt, limit: "5" })).executions, id).older;

/** How far one looks ahead, in milliseconds, step by step. */
const ahead = [50, 500, 5_000, 60_000, 15 * 60_000, 4 * 3_600_000, 72 * 3_600_000];

/**
 * Finds the next newer execution. Lists begin with the newest: so the times after it are searched, each step
 * longer than the one before, until one has executions. If it has too many, there is no answer.
 */
export async function newerThan(id: string, acceptedAt: number, search: Search): Promise<string | undefined> {
  const from = rfc3339(acceptedAt - 1); // the id has whole milliseconds
  for (const span of ahead) {
    const page = await search({ from, to: rfc3339(acceptedAt + span), limit: "200" });
    const { newer } = neighborsIn(page.executions, id);
    if (newer !== undefined) return page.next === undefined ? newer : undefined;
  }
  return undefined;
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
