// Data that screens show: loaded once, kept for the next visit, and loaded again when an event says
// that it changed.
import { type Signal, signal } from "@preact/signals";
import { useEffect, useMemo, useReducer } from "preact/hooks";
import { ApiError } from "./client";
import { onEvent, onReset } from "./live";
import type { LiveEvent } from "./types";

export interface Data<T> {
  /** What was loaded last; undefined = nothing yet. It stays while it is loaded again. */
  value?: T;
  /** Why the last load failed. */
  error?: ApiError;
  loading: boolean;
  reload: () => void;
}

interface Entry {
  state: Signal<{ value?: unknown; error?: ApiError; loading: boolean }>;
  fetch: (signal: AbortSignal) => Promise<unknown>;
  load: () => void;
  /** When the last load began, in milliseconds. */
  last: number;
}
const cache = new Map<string, Entry>();
const maxCached = 64;

export interface Pace {
  /** The least time between two loads that events cause, in milliseconds: 1000 without it. */
  pause?: number;
  /** Loads again after this time too, in milliseconds, while the page is visible. */
  every?: number;
}

/**
 * Loads data by its key. The same key shows the same data on all screens. wants says which events
 * change it; without it only reload() and a reset load it again.
 */
export function useData<T>(
  key: string,
  load: (signal: AbortSignal) => Promise<T>,
  wants?: (event: LiveEvent) => boolean,
  { pause = 1000, every }: Pace = {},
): Data<T> {
  const entry = useMemo(() => entryOf(key, load), [key]);
  const [, changed] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const unsubscribe = entry.state.subscribe(() => changed(undefined as never));
    const { loading } = entry.state.value;
    // Otherwise another part of the screen has begun just now.
    if (!loading || Date.now() - entry.last > 1000) entry.load();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again =
      every &&
      setInterval(() => {
        if (document.visibilityState === "visible") entry.load();
      }, every);
    const later = () => {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          entry.load();
        },
        Math.max(50, pause - (Date.now() - entry.last)),
      );
    };
    const offEvent = onEvent((event) => {
      if (wants?.(event)) later();
    });
    const offReset = onReset(later);
    return () => {
      unsubscribe();
      offEvent();
      offReset();
      clearTimeout(timer);
      clearInterval(again);
    };
  }, [entry]);
  const { value, error, loading } = entry.state.value;
  return { value: value as T | undefined, error, loading, reload: entry.load };
}

/** Forgets what was loaded, so that the next visit shows nothing old: after a delete. */
export function forget(prefix: string): void {
  for (const key of cache.keys()) if (key.startsWith(prefix)) cache.delete(key);
}

function entryOf(key: string, fetch: Entry["fetch"]): Entry {
  const entry = cache.get(key) ?? newEntry(fetch);
  entry.fetch = fetch;
  cache.delete(key); // the one used last is at the end
  cache.set(key, entry);
  for (const old of cache.keys()) {
    if (cache.size <= maxCached) break;
    cache.delete(old);
  }
  return entry;
}

function newEntry(fetch: Entry["fetch"]): Entry {
  let running: AbortController | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const entry: Entry = {
    state: signal({ loading: true }),
    fetch,
    last: 0,
    load: () => {
      running?.abort();
      clearTimeout(retry);
      const mine = (running = new AbortController());
      entry.last = Date.now();
      if (!entry.state.value.loading) entry.state.value = { ...entry.state.value, loading: true };
      entry.fetch(mine.signal).then(
        (value) => {
          if (running === mine) entry.state.value = { value, loading: false };
        },
        (e: unknown) => {
          if (running !== mine || mine.signal.aborted) return;
          const error =
            e instanceof ApiError ? e : new ApiError(-1, e instanceof Error ? e.message : String(e));
          entry.state.value = { value: entry.state.value.value, error, loading: false };
          if (error.status === 0 || error.status >= 502) retry = setTimeout(entry.load, 2000);
        },
      );
    },
  };
  return entry;
}
