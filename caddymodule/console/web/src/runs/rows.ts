// The rows of the list of executions: pages from the server, changed by events. What one reads never moves:
// new rows wait until they are asked for, unless the list is at its top.
import type { Summary } from "../api/types";

export interface Rows {
  /** The newest first. */
  readonly shown: readonly Summary[];
  /** New ones that are not shown yet, the newest first. */
  readonly waiting: readonly Summary[];
  /** How many more there are of which no event told. */
  readonly missed: number;
  /** The cursor of what follows; undefined = nothing. */
  readonly next?: string;
}
export const noRows: Rows = { shown: [], waiting: [], missed: 0 };

/** How many rows are kept: beyond that one narrows the filter. */
export const maxRows = 2000;
/** How many new rows wait at most: beyond that they are only counted. */
export const maxWaiting = 500;

/** The first page, loaded again. Rows of later pages stay if the page reaches them. */
export function firstPage(old: Rows, page: readonly Summary[], next: string | undefined): Rows {
  const last = page.at(-1);
  const overlaps = last !== undefined && old.shown.some((s) => s.id === last.id);
  const rest = next !== undefined && overlaps ? old.shown.filter((s) => s.id < last.id) : [];
  return {
    shown: [...page, ...rest].slice(0, maxRows),
    waiting: [],
    missed: 0,
    next: rest.length ? old.next : next,
  };
}

/** The page that follows. */
export function nextPage(old: Rows, page: readonly Summary[], next: string | undefined): Rows {
  const last = old.shown.at(-1)?.id;
  const fresh = last === undefined ? page : page.filter((s) => s.id < last);
  return { ...old, shown: [...old.shown, ...fresh].slice(0, maxRows), next };
}

/**
 * An event about an execution. Rows are updated in place, even if the filter does not match any more: a row
 * that vanishes would move what one reads. A new one is shown at once only if at the top.
 */
export function withEvent(old: Rows, s: Summary, matches: boolean, atTop: boolean): Rows {
  const at = old.shown.findIndex((r) => r.id === s.id);
  if (at >= 0) return newer(old.shown[at]!, s) ? { ...old, shown: old.shown.with(at, s) } : old;
  const waits = old.waiting.findIndex((r) => r.id === s.id);
  if (waits >= 0) {
    if (!matches) return { ...old, waiting: old.waiting.toSpliced(waits, 1) };
    return newer(old.waiting[waits]!, s) ? { ...old, waiting: old.waiting.with(waits, s) } : old;
  }
  const last = old.shown.at(-1);
  const later = last !== undefined && s.id < last.id && old.next !== undefined; // it comes with its page
  if (!matches || later) return old;
  if (atTop) return trim({ ...old, shown: insert(old.shown, s) });
  if (old.waiting.length >= maxWaiting) return { ...old, missed: old.missed + 1 };
  return { ...old, waiting: insert(old.waiting, s) };
}

/** Shows the rows that wait. */
export function showWaiting(old: Rows): Rows {
  return trim({ ...old, shown: old.waiting.reduceRight<readonly Summary[]>(insert, old.shown), waiting: [] });
}

/** Reports whether b was told after a: events and pages may overtake each other, and an end is final. */
export function newer(a: Summary, b: Summary): boolean {
  const step = (s: Summary) => (s.status === "pending" ? 0 : s.status === "running" ? 1 : 2);
  return step(b) >= step(a);
}

function insert(list: readonly Summary[], s: Summary): readonly Summary[] {
  let low = 0;
  for (let high = list.length; low < high;) {
    const middle = (low + high) >> 1;
    if (list[middle]!.id > s.id) low = middle + 1;
    else high = middle;
  }
  return list[low]?.id === s.id ? list.with(low, s) : list.toSpliced(low, 0, s);
}

const trim = (rows: Rows): Rows =>
  rows.shown.length <= maxRows ? rows : { ...rows, shown: rows.shown.slice(0, maxRows) };

/** Reports whether no more rows are kept, although there may be more. */
export const isFull = (rows: Rows): boolean => rows.shown.length >= maxRows;
