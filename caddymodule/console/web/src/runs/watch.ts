// Follows one execution: loads its record and its document, and applies events until it has ended.
import { type ReadonlySignal, signal } from "@preact/signals";
import { useEffect, useMemo, useReducer } from "preact/hooks";
import { ApiError, apiPath, request } from "../api/client";
import { onEvent, onReset } from "../api/live";
import type { ExecutionRecord, LiveEvent } from "../api/types";
import { parse } from "../json/lossless";
import { isEnded } from "./actions";
import { type RunView, withEvent, withRecord } from "./run";

/** A record is written some time after the end: it is asked for again after so many milliseconds. */
const delays = [80, 200, 400, 800, 1500, 3000];
/**
 * How often one that runs is loaded again: events may be left out when there are many, or another machine
 * runs it.
 */
const pollPause = 3000;
/** Events are collected for so long, in milliseconds: all of them are drawn once. */
const gather = 40;

/** One execution. */
export class RunWatch {
  private readonly state = signal<RunView>({ documentAsked: false, loading: true });
  readonly view: ReadonlySignal<RunView> = this.state;
  private readonly stop = new AbortController();
  private timer?: ReturnType<typeof setTimeout>;
  private tries = 0;
  private asking = false;
  private gathered: LiveEvent[] = [];
  private flushing?: ReturnType<typeof setTimeout>;

  /**
   * seen are events that came before the id was known. known says that the execution has been accepted, so that a
   * record which is not there yet is waited for.
   */
  constructor(
    readonly id: string,
    seen: readonly LiveEvent[] = [],
    private readonly known = false,
  ) {
    const record = seen.reduce<ExecutionRecord | undefined>((r, e) => withEvent(r, e, id), undefined);
    if (record) this.state.value = { ...this.state.value, record };
  }

  /** Begins to follow; the returned function ends it for good. */
  start(): () => void {
    const off = [
      onEvent((event) => {
        const about =
          event.kind === "execution"
            ? event.execution.id
            : event.kind === "node"
              ? event.execution
              : undefined;
        if (about !== this.id) return;
        this.gathered.push(event);
        this.flushing ??= setTimeout(() => this.flush(), gather);
      }),
      onReset(() => this.load()),
    ];
    if (this.known)
      this.again(delays[0]!); // it may end at once, and its record is on its way then
    else {
      this.load();
      void this.loadDocument();
    }
    return () => {
      off.forEach((f) => f());
      clearTimeout(this.timer);
      clearTimeout(this.flushing);
      this.stop.abort();
    };
  }

  /** Loads the record again. */
  readonly load = (): void => {
    clearTimeout(this.timer);
    void this.loadRecord();
  };

  private flush(): void {
    this.flushing = undefined;
    const { record } = this.state.peek();
    const now = this.gathered
      .splice(0)
      .reduce<ExecutionRecord | undefined>((r, e) => withEvent(r, e, this.id), record);
    if (now === record || !now) return;
    this.state.value = { ...this.state.peek(), record: now, gone: undefined };
    if (isEnded(now.status) && !(record && isEnded(record.status))) {
      this.tries = 0;
      this.again(delays[0]!);
    }
  }

  private again(after: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.load, after);
  }

  private async loadRecord(): Promise<void> {
    try {
      const { text } = await request("GET", apiPath(["executions", this.id]), { signal: this.stop.signal });
      const loaded = JSON.parse(text) as ExecutionRecord; // payloads are texts in it
      const { record } = this.state.peek();
      this.state.value = {
        ...this.state.peek(),
        record: withRecord(record, loaded),
        text,
        loading: false,
        gone: undefined,
        error: undefined,
      };
      const { document, documentAsked } = this.state.peek();
      if (!document && (isEnded(loaded.status) || !documentAsked)) void this.loadDocument();
      if (isEnded(loaded.status)) return;
      if (record && isEnded(record.status)) this.waitForRecord();
      else this.again(pollPause);
    } catch (e) {
      if (this.stop.signal.aborted) return;
      this.failed(e);
    }
  }

  private failed(e: unknown): void {
    const state = this.state.peek();
    if (e instanceof ApiError && e.status === 404) {
      if ((state.record || this.known) && this.tries < delays.length) {
        this.waitForRecord();
        return;
      }
      this.state.value = {
        ...state,
        loading: false,
        error: undefined,
        gone: state.record || this.known ? "unrecorded" : "unknown",
      };
      return;
    }
    this.state.value = { ...state, loading: false, error: e instanceof Error ? e : new Error(String(e)) };
    if (e instanceof ApiError && (e.status === 0 || e.status >= 502)) this.again(2000);
  }

  /** It has ended, but what was loaded is older. */
  private waitForRecord(): void {
    const delay = delays[this.tries++];
    if (delay === undefined) this.state.value = { ...this.state.peek(), loading: false, gone: "unrecorded" };
    else this.again(delay);
  }

  private async loadDocument(): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    try {
      const { text } = await request("GET", apiPath(["executions", this.id, "document"]), {
        signal: this.stop.signal,
      });
      this.state.value = { ...this.state.peek(), document: parse(text), documentAsked: true };
    } catch {
      // Without the document there is the list of nodes.
      if (!this.stop.signal.aborted) this.state.value = { ...this.state.peek(), documentAsked: true };
    } finally {
      this.asking = false;
    }
  }
}

/** Follows an execution while it is on the screen. */
export function useRun(id: string): { watch: RunWatch; view: RunView } {
  const watch = useMemo(() => new RunWatch(id), [id]);
  useEffect(() => watch.start(), [watch]);
  return { watch, view: useWatched(watch) };
}

/** Renders again when what is known changes. */
export function useWatched(watch: RunWatch): RunView {
  const [, changed] = useReducer((n: number) => n + 1, 0);
  useEffect(() => watch.view.subscribe(() => changed(undefined as never)), [watch]);
  return watch.view.value;
}
