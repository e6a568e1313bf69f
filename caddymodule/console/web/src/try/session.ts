// What one tries of a workflow: the draft, what was sent and the execution. It stays in memory, by workflow,
// while one is elsewhere.
import { type Signal, signal } from "@preact/signals";
import { ApiError, apiPath, postJson } from "../api/client";
import { onEvent } from "../api/live";
import type { LiveEvent, SendResult } from "../api/types";
import { RunWatch } from "../runs/watch";
import { type Draft, emptyDraft } from "./draft";

export interface Attempt {
  readonly sending: boolean;
  readonly sent?: SendResult;
  readonly error?: Error;
  /** The execution, as soon as it is known. */
  readonly run?: RunWatch;
}

export interface TrySession {
  readonly draft: Signal<Draft>;
  /** Where the draft is from. */
  readonly from: Signal<string>;
  /** The prefix of the handler to send through; "" = the first. */
  readonly prefix: Signal<string>;
  readonly attempt: Signal<Attempt>;
  /** Ends following the execution. */
  stop: () => void;
}

const sessions = new Map<string, TrySession>();
const maxSessions = 20;

export function sessionOf(workflow: string): TrySession {
  const s = sessions.get(workflow) ?? {
    draft: signal(emptyDraft),
    from: signal(""),
    prefix: signal(""),
    attempt: signal<Attempt>({ sending: false }),
    stop: () => {},
  };
  sessions.delete(workflow); // the one used last is at the end
  sessions.set(workflow, s);
  for (const [id, old] of sessions) {
    if (sessions.size <= maxSessions) break;
    old.stop();
    sessions.delete(id);
  }
  return s;
}

/** How many events are kept while the id of the execution is not known. */
const maxSeen = 2000;

/** Sends the draft, once: while it is being sent, nothing happens. */
export async function send(workflow: string, s: TrySession): Promise<void> {
  if (s.attempt.peek().sending) return;
  s.stop();
  s.attempt.value = { sending: true };
  const { body, query, headers } = s.draft.peek();
  // A sender that waits gets the id with the response. Until then, the execution that a console starts now is
  // taken for it.
  const seen: LiveEvent[] = [];
  const off = onEvent((e) => {
    if (seen.length >= maxSeen) return;
    if (e.kind === "node" && e.workflow === workflow) seen.push(e);
    if (e.kind !== "execution" || e.execution.workflow !== workflow || e.execution.source !== "console")
      return;
    seen.push(e);
    if (!s.attempt.peek().run && e.execution.status !== "pending")
      watch(s, new RunWatch(e.execution.id, seen, true));
  });
  try {
    const sent = await postJson<SendResult>(apiPath(["send"]), {
      workflow,
      prefix: s.prefix.peek() || undefined,
      body,
      query: query || undefined,
      headers: headers.filter(([name]) => name.trim() !== ""),
    });
    const run = s.attempt.peek().run;
    if (sent.executionId !== run?.id) {
      s.stop();
      s.attempt.value = { sending: false, sent };
      if (sent.executionId) watch(s, new RunWatch(sent.executionId, seen, true));
    } else s.attempt.value = { ...s.attempt.peek(), sending: false, sent };
  } catch (e) {
    s.stop();
    s.attempt.value = { sending: false, error: unsure(e) };
  } finally {
    off();
  }
}

function watch(s: TrySession, run: RunWatch): void {
  s.stop = run.start();
  s.attempt.value = { ...s.attempt.peek(), run };
}

/** Without an answer nobody knows whether it was sent. */
function unsure(e: unknown): Error {
  if (e instanceof ApiError && (e.status === 0 || e.status >= 502)) {
    return new ApiError(
      e.status,
      "The server did not answer. It may have received the event: look at the executions before you resend it.",
    );
  }
  return e instanceof Error ? e : new Error(String(e));
}
