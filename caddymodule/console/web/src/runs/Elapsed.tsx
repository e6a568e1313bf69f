// How long something took, or takes so far.
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { serverNow } from "../api/client";
import { duration } from "../ui/text";
import { nanos } from "./time";

const tick = signal(0);
let users = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Renders again four times a second while on is true. */
export function useTick(on: boolean): void {
  if (on) void tick.value;
  useEffect(() => {
    if (!on) return;
    users++;
    timer ??= setInterval(() => {
      if (document.visibilityState === "visible") tick.value++;
    }, 250);
    return () => {
      if (--users > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, [on]);
}

/** The time between two times; without an end, until now. */
export function Elapsed({ from, to }: { from?: string; to?: string }) {
  const start = Date.parse(from ?? "");
  const running = !Number.isNaN(start) && !to;
  useTick(running);
  if (Number.isNaN(start)) return <span class="muted">–</span>;
  if (running)
    return <span class="muted">{duration(Math.max(0, Math.floor((serverNow() - start) / 100) * 1e8))}</span>;
  return <>{duration(Math.max(0, nanos(from, to)))}</>;
}
