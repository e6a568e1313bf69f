// How statuses, times, errors and empty screens look.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type ApiError, serverNow } from "../api/client";
import type { Problem } from "../api/types";
import { Button } from "./controls";
import { Icon, type IconName } from "./icons";
import { ago, exactTime, visible } from "./text";

/** The color of a badge. A shape and a word are always beside it. */
export type Tone = "ok" | "bad" | "warn" | "busy" | "idle";

const tones: Record<string, Tone> = {
  serving: "ok",
  succeeded: "ok",
  completed: "ok",
  live: "ok",
  failed: "bad",
  invalid: "bad",
  timed_out: "bad",
  no_secret: "bad",
  stale: "warn",
  stopped: "warn",
  running: "busy",
  pending: "busy",
  preparing: "busy",
  inactive: "idle",
  cancelled: "idle",
  skipped: "idle",
  not_run: "idle",
};
/** The stroke that tells a tone without its color, on a grid of 16. */
export const shapes: Record<Tone, string> = {
  ok: "M4 8.500l2.800 2.800L12 5.500",
  bad: "M5 5l6 6M11 5l-6 6",
  warn: "M8 4v5M8 11.500v.01",
  busy: "M8 4.500V8l2.500 1.500",
  idle: "M5 8h6",
};
const words: Record<string, string> = {
  completed: "succeeded",
  timed_out: "timed out",
  no_secret: "no secret",
  not_run: "not run",
};

/** The tone of a state or status. */
export const toneOf = (state: string): Tone => tones[state] ?? "idle";
/** The word for a state or status. */
export const wordOf = (state: string): string => words[state] ?? state;

export function Badge({ state, word, tone = toneOf(state) }: { state: string; word?: string; tone?: Tone }) {
  return (
    <span class={`badge ${tone}`}>
      <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
        <circle cx="8" cy="8" r="7" />
        <path d={shapes[tone]} />
      </svg>
      {word ?? wordOf(state)}
    </span>
  );
}

const clock = signal(0);
setInterval(() => {
  if (document.visibilityState === "visible") clock.value++;
}, 5000);

/** A time as "3 min ago", with the exact one as its tip. */
export function Time({ at, none = "never" }: { at?: string; none?: string }) {
  void clock.value; // shown again as time passes
  const time = Date.parse(at ?? "");
  if (Number.isNaN(time)) return <span class="muted">{none}</span>;
  return (
    <time dateTime={at} title={exactTime(time)}>
      {ago(time, serverNow())}
    </time>
  );
}

/** What a screen shows when there is nothing: why, and what to do. */
export function Empty({
  icon,
  title,
  children,
  alone,
}: {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  /** It is all that the screen has. */
  alone?: boolean;
}) {
  const Title = alone ? "h1" : "h2";
  return (
    <div class="empty">
      <Icon name={icon} size={40} />
      <Title>{title}</Title>
      {children}
    </div>
  );
}

/** A note across the page. */
export function Note({
  tone,
  children,
  action,
}: {
  tone: Tone;
  children: ComponentChildren;
  action?: ComponentChildren;
}) {
  return (
    <div class={`note ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <Icon name={tone === "ok" ? "check" : tone === "bad" || tone === "warn" ? "warn" : "info"} />
      <div class="note-text">{children}</div>
      {action}
    </div>
  );
}

/** An error of a load: what was loaded before stays below it. */
export function LoadError({ error, retry }: { error?: ApiError; retry: () => void }) {
  if (!error) return null;
  return (
    <Note
      tone="bad"
      action={
        <Button small onClick={retry}>
          Try again
        </Button>
      }
    >
      {visible(error.message)}
    </Note>
  );
}

/** The mistakes in a document. onGo shows the place of one. */
export function Problems({ list, onGo }: { list: readonly Problem[]; onGo?: (p: Problem) => void }) {
  return (
    <ul class="problems">
      {list.map((p, i) => (
        <li key={i}>
          <Icon name="warn" size={16} />
          <span>
            {onGo ? (
              <button type="button" class="link mono" onClick={() => onGo(p)}>
                {visible(p.path || "document")}
              </button>
            ) : (
              <span class="mono">{visible(p.path || "document")}</span>
            )}
            {p.line !== undefined && <span class="muted"> line {p.line}</span>}
            <br />
            {visible(p.reason)}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** Keeps the place of what is being loaded, so that nothing jumps. */
export function Skeleton({ lines = 3 }: { lines?: number }) {
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} />
      ))}
    </div>
  );
}
