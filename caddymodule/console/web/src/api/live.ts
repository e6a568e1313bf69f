// One stream of events a tab. Hidden tabs close theirs, since browsers open only six connections to
// a host, and resume it from their cursor.
import { signal } from "@preact/signals";
import { addressOf, apiPath, getJson } from "./client";
import type { LiveEvent } from "./types";

/** The state of the stream: "waiting" = it is not connected, and tries again. */
export const connection = signal<"connecting" | "live" | "waiting">("connecting");

type Listener = (event: LiveEvent) => void;
const listeners = new Set<Listener>();
const resets = new Set<() => void>();
const reconnects = new Set<() => void>();

let stream: EventSource | undefined;
let cursor = "";
let retry: ReturnType<typeof setTimeout> | undefined;
let delay = 500;
const maxDelay = 10_000;

/** Calls listen for each event until the returned function is called. */
export function onEvent(listen: Listener): () => void {
  listeners.add(listen);
  return () => listeners.delete(listen);
}

/** Calls reload when events may have been missed: whatever is shown has to be loaded again. */
export function onReset(reload: () => void): () => void {
  resets.add(reload);
  return () => resets.delete(reload);
}

/** Calls check when the stream is connected again after a break: the server may be another version. */
export function onReconnect(check: () => void): () => void {
  reconnects.add(check);
  return () => reconnects.delete(check);
}

/**
 * Notes where events begin, once: what is loaded afterwards misses none, however late the stream is
 * connected. Without an answer, what is shown then is loaded again.
 */
export async function mark(): Promise<void> {
  if (cursor !== "") return;
  try {
    cursor = (await getJson<{ next: string }>(apiPath(["events"]))).next;
  } catch {
    // the stream says where it begins
  }
}

/** Begins to follow events while the page is visible. */
export function follow(): void {
  document.addEventListener("visibilitychange", update);
  addEventListener("online", update);
  addEventListener("pagehide", close);
  addEventListener("pageshow", update);
  update();
}

function update(): void {
  if (document.visibilityState === "hidden") close();
  else if (!stream) open();
}

function close(): void {
  clearTimeout(retry);
  stream?.close();
  stream = undefined;
}

function open(): void {
  clearTimeout(retry);
  const blind = cursor === "";
  const source = new EventSource(addressOf(apiPath(["events"], { after: cursor })));
  stream = source;
  const note = (e: MessageEvent) => {
    if (e.lastEventId) cursor = e.lastEventId;
  };
  source.addEventListener("ready", (e) => {
    note(e);
    const again = connection.value === "waiting";
    connection.value = "live";
    delay = 500;
    if (again) reconnects.forEach((check) => check());
    if (blind) resets.forEach((reload) => reload());
  });
  source.addEventListener("reset", (e) => {
    note(e);
    resets.forEach((reload) => reload());
  });
  source.addEventListener("message", (e: MessageEvent<string>) => {
    note(e);
    const event = JSON.parse(e.data) as LiveEvent;
    listeners.forEach((listen) => listen(event));
  });
  source.addEventListener("error", () => {
    // The browser's own retry would use the first URL, with its old cursor.
    close();
    connection.value = "waiting";
    retry = setTimeout(open, delay * (0.5 + Math.random()));
    delay = Math.min(2 * delay, maxDelay);
  });
}
