// One action on many executions: a few at a time, and it can be stopped.

/** What has become of one execution: undefined text and error = not begun. */
export interface Outcome {
  readonly id: string;
  readonly state: "waiting" | "busy" | "done" | "failed" | "left out";
  readonly newId?: string;
  readonly error?: string;
}

/** How many requests run at a time. */
export const parallel = 4;

/**
 * Calls act for each id, and changed with all outcomes after each step. Once the signal is aborted no further
 * one begins: those are "left out". What has begun is waited for, so that its outcome is known.
 */
export async function runAll(
  ids: readonly string[],
  act: (id: string) => Promise<string | undefined>,
  signal: AbortSignal,
  changed: (all: readonly Outcome[]) => void,
): Promise<readonly Outcome[]> {
  let all: readonly Outcome[] = ids.map((id) => ({ id, state: "waiting" }));
  const note = (i: number, o: Omit<Outcome, "id">) => {
    all = all.with(i, { id: ids[i]!, ...o });
    changed(all);
  };
  let next = 0;
  const work = async () => {
    while (next < ids.length && !signal.aborted) {
      const i = next++;
      note(i, { state: "busy" });
      try {
        note(i, { state: "done", newId: await act(ids[i]!) });
      } catch (e) {
        note(i, { state: "failed", error: e instanceof Error ? e.message : String(e) });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, ids.length) }, work));
  if (signal.aborted) {
    all = all.map((o) => (o.state === "waiting" ? { ...o, state: "left out" } : o));
    changed(all);
  }
  return all;
}

/** Counts outcomes. */
export function tally(all: readonly Outcome[]): {
  done: number;
  failed: number;
  leftOut: number;
  open: number;
} {
  const n = (state: Outcome["state"]) => all.filter((o) => o.state === state).length;
  return { done: n("done"), failed: n("failed"), leftOut: n("left out"), open: n("waiting") + n("busy") };
}
