// The list of executions of a filter: it is kept for the next visit, so that one comes back to where one was.
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useReducer } from "preact/hooks";
import { ApiError, apiPath, getJson, serverNow } from "../api/client";
import { onEvent, onReset } from "../api/live";
import type { Executions, Summary } from "../api/types";
import { apiQuery, type Filter, filterKey, matches, partsOf } from "./filter";
import { firstPage, isFull, nextPage, noRows, type Rows, showWaiting, withEvent } from "./rows";

export interface ListState {
  readonly rows: Rows;
  /** The first page was loaded at least once. */
  readonly loaded: boolean;
  readonly loading: "first" | "next" | "";
  readonly error?: ApiError;
}

const pageSize = 100;
/** The least time between two loads that events cause, in milliseconds. */
const pause = 3000;
/** Events are collected for so long, in milliseconds: the table is drawn once for all of them. */
const gather = 80;
/** How many of them are kept, also while the first page is on its way, which may be older. */
const maxGathered = 1000;

/** A list, whether it is on the screen or not. */
export class RunList {
  private readonly state = signal<ListState>({ rows: noRows, loaded: false, loading: "" });
  readonly view: ReadonlySignal<ListState> = this.state;
  private running?: AbortController;
  private gathered: Summary[] = [];
  private flushing?: ReturnType<typeof setTimeout>;
  private last = 0;
  private timer?: ReturnType<typeof setTimeout>;
  /** Loads the list again after a while; undefined = it is not on the screen. */
  private later?: () => void;
  private top?: () => boolean;

  constructor(readonly filter: Filter) {}

  /** Loads the first page. What is shown stays; unless at the top, new rows wait. */
  async load(atTop: boolean): Promise<void> {
    this.last = Date.now();
    await this.fetch("first", undefined, (page) => {
      const { rows } = this.state.peek();
      const known = new Set(rows.shown.map((s) => s.id));
      if (atTop || rows.shown.length === 0) return firstPage(rows, page.executions, page.next);
      if (!page.executions.some((s) => known.has(s.id)))
        return { ...rows, waiting: [], missed: page.executions.length };
      return page.executions.reduceRight((all, s) => withEvent(all, s, true, false), { ...rows, missed: 0 });
    });
  }

  /** Loads the page that follows. */
  async more(): Promise<void> {
    const { rows, loading } = this.state.peek();
    if (loading || rows.next === undefined || isFull(rows)) return;
    await this.fetch("next", rows.next, (page) =>
      nextPage(this.state.peek().rows, page.executions, page.next),
    );
  }

  /** Shows the new rows that wait. */
  showNew(): void {
    const { rows } = this.state.peek();
    if (rows.missed > 0) void this.load(true);
    else this.state.value = { ...this.state.peek(), rows: showWaiting(rows) };
  }

  /** Follows events until the returned function is called. */
  follow(atTop: () => boolean): () => void {
    this.top = atTop;
    const later = (this.later = () => {
      this.timer ??= setTimeout(
        () => {
          this.timer = undefined;
          void this.load(atTop());
        },
        Math.max(50, pause - (Date.now() - this.last)),
      );
    });
    const offEvent = onEvent((event) => {
      const state = this.state.peek();
      if (event.kind === "execution") {
        this.gathered.push(event.execution);
        if (this.gathered.length > maxGathered) this.gathered.shift();
        this.flushing ??= setTimeout(() => this.flush(atTop()), gather);
      } else if (event.kind === "more") {
        if (atTop()) later();
        else
          this.state.value = {
            ...state,
            rows: { ...state.rows, missed: state.rows.missed + event.executions },
          };
      }
    });
    const offReset = onReset(later);
    return () => {
      offEvent();
      offReset();
      clearTimeout(this.timer);
      clearTimeout(this.flushing);
      this.timer = this.flushing = this.later = undefined;
      this.gathered = [];
    };
  }

  private flush(atTop: boolean): void {
    this.flushing = undefined;
    const state = this.state.peek();
    if (!state.loaded || state.loading === "first") return; // after the page
    const now = serverNow();
    const rows = this.gathered
      .splice(0)
      .reduce((all, s) => withEvent(all, s, matches(this.filter, s, now), atTop), state.rows);
    if (rows !== state.rows) this.state.value = { ...state, rows };
  }

  private async fetch(
    kind: "first" | "next",
    cursor: string | undefined,
    merge: (page: Executions) => Rows,
  ): Promise<void> {
    this.running?.abort();
    const mine = (this.running = new AbortController());
    this.state.value = { ...this.state.peek(), loading: kind };
    try {
      const query = { ...apiQuery(this.filter, serverNow()), limit: pageSize, cursor };
      const page = await getJson<Executions>(apiPath(["executions"], query), mine.signal);
      if (this.running !== mine) return;
      this.state.value = { rows: merge(page), loaded: true, loading: "" };
      if (kind === "first" && this.gathered.length > 0) this.flush(this.top?.() ?? true);
    } catch (e) {
      if (this.running !== mine || mine.signal.aborted) return;
      const error = e instanceof ApiError ? e : new ApiError(-1, e instanceof Error ? e.message : String(e));
      this.state.value = { ...this.state.peek(), loading: "", error };
      if (error.status === 0 || error.status >= 502) this.later?.();
    }
  }
}

const kept = new Map<string, RunList>();
const maxKept = 6;

/** The list of a filter, from an earlier visit if there was one. */
export function listOf(filter: Filter): RunList {
  const key = filterKey(filter);
  const list = kept.get(key) ?? new RunList(filter);
  kept.delete(key); // the one used last is at the end
  kept.set(key, list);
  for (const old of kept.keys()) {
    if (kept.size <= maxKept) break;
    kept.delete(old);
  }
  return list;
}

/** Renders again when a list changes. */
export function useList(list: RunList): ListState {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  useEffect(() => list.view.subscribe(() => changed(undefined as never)), [list]);
  return list.view.value;
}

/** Which parts of a filter exclude executions that there are: those without which the list is not empty. */
export async function excluding(filter: Filter, signal: AbortSignal): Promise<string[]> {
  const parts = partsOf(filter, String, String);
  const found = await Promise.all(
    parts.map(async ({ without }) => {
      const page = await getJson<Executions>(
        apiPath(["executions"], { ...apiQuery(without, serverNow()), limit: 1 }),
        signal,
      );
      return page.executions.length > 0;
    }),
  );
  return parts.filter((_, i) => found[i]).map((p) => p.name);
}
