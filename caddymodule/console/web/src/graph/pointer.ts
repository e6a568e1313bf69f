// Mouse, pen and touch on the graph: what is under them, clicks, drags and pinches.
import type { View } from "./view";

/** What is under a pointer. */
export type Hit =
  | { kind: "node"; id: string }
  | { kind: "port"; id: string; port: number | "error" }
  | { kind: "edge" | "plus" | "cut"; index: number }
  | { kind: "space" };

export interface Drag {
  move(e: PointerEvent): void;
  /** done is false if the drag was given up. */
  end(e: PointerEvent, done: boolean): void;
}
export interface Handlers {
  view: View;
  /** Begins a drag, or returns undefined: then the graph is moved. */
  drag(hit: Hit, e: PointerEvent): Drag | undefined;
  click(hit: Hit, e: PointerEvent): void;
  hover(hit: Hit): void;
}

/** Below this distance, in pixels, a press is a click. */
const threshold = 4;

export function hitOf(e: Event): Hit {
  const at = e.target instanceof Element ? e.target : undefined;
  const find = (name: string): string | undefined =>
    at?.closest(`[data-${name}]`)?.getAttribute(`data-${name}`) ?? undefined;
  const id = find("node");
  const port = find("port");
  if (id !== undefined)
    return port === undefined
      ? { kind: "node", id }
      : { kind: "port", id, port: port === "error" ? port : Number(port) };
  for (const kind of ["plus", "cut", "edge"] as const) {
    const index = find(kind);
    if (index !== undefined) return { kind, index: Number(index) };
  }
  return { kind: "space" };
}

/** Listens until the returned function is called. handlers is asked anew each time. */
export function listen(frame: HTMLElement, handlers: () => Handlers): () => void {
  const down = new Map<number, PointerEvent>();
  let press: { hit: Hit; e: PointerEvent; last: PointerEvent; drag: Drag | "pan" | undefined } | undefined;
  let pinch: { distance: number; x: number; y: number } | undefined;

  const giveUp = () => {
    if (press?.drag && press.drag !== "pan") press.drag.end(press.last, false);
    press = undefined;
    frame.classList.remove("dragging");
  };
  const onDown = (e: PointerEvent) => {
    if (e.pointerType === "mouse" && e.button > 1) return;
    down.set(e.pointerId, e);
    if (down.size > 1) {
      giveUp();
      pinch = undefined;
      return;
    }
    if (e.button === 1) e.preventDefault();
    press = { hit: e.button === 1 ? { kind: "space" } : hitOf(e), e, last: e, drag: undefined };
  };
  const onMove = (e: PointerEvent) => {
    if (!down.has(e.pointerId)) {
      if (e.pointerType === "mouse") handlers().hover(hitOf(e));
      return;
    }
    down.set(e.pointerId, e);
    const { view } = handlers();
    if (down.size === 2) {
      const [a, b] = [...down.values()] as [PointerEvent, PointerEvent];
      const now = {
        distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
        x: (a.clientX + b.clientX) / 2,
        y: (a.clientY + b.clientY) / 2,
      };
      if (pinch) {
        view.pan(now.x - pinch.x, now.y - pinch.y);
        view.zoomBy(now.distance / Math.max(1, pinch.distance), { clientX: now.x, clientY: now.y });
      }
      pinch = now;
      return;
    }
    if (!press || press.e.pointerId !== e.pointerId) return;
    if (!press.drag) {
      if (Math.hypot(e.clientX - press.e.clientX, e.clientY - press.e.clientY) < threshold) return;
      frame.setPointerCapture(e.pointerId);
      press.drag = handlers().drag(press.hit, press.e) ?? "pan";
      frame.classList.add("dragging");
    }
    if (press.drag === "pan") view.pan(e.clientX - press.last.clientX, e.clientY - press.last.clientY);
    else press.drag.move(e);
    press.last = e;
  };
  const onUp = (e: PointerEvent) => {
    down.delete(e.pointerId);
    pinch = undefined;
    if (!press || press.e.pointerId !== e.pointerId) return;
    const { hit, drag } = press;
    press = undefined;
    frame.classList.remove("dragging");
    if (e.type === "pointercancel") {
      if (drag && drag !== "pan") drag.end(e, false);
    } else if (!drag) handlers().click(hit, e);
    else if (drag !== "pan") drag.end(e, true);
  };
  const onWheel = (e: WheelEvent) => {
    e.preventDefault();
    const unit = e.deltaMode === 1 ? 24 : e.deltaMode === 2 ? frame.clientHeight : 1;
    const { view } = handlers();
    if (e.ctrlKey || e.metaKey)
      view.zoomBy(
        Math.exp(-e.deltaY * unit * (e.deltaMode === 0 && Math.abs(e.deltaY) < 40 ? 0.01 : 0.002)),
        e,
      );
    else {
      const sideways = e.shiftKey && e.deltaX === 0; // some browsers turn the wheel themselves
      view.pan(-(sideways ? e.deltaY : e.deltaX) * unit, -(sideways ? 0 : e.deltaY) * unit);
    }
  };
  const onKey = (e: KeyboardEvent) => {
    if (e.key === "Escape" && press?.drag) {
      e.stopPropagation();
      giveUp();
    }
  };
  const onLeave = () => {
    if (!press) handlers().hover({ kind: "space" });
  };

  frame.addEventListener("pointerdown", onDown);
  frame.addEventListener("pointermove", onMove);
  frame.addEventListener("pointerup", onUp);
  frame.addEventListener("pointercancel", onUp);
  frame.addEventListener("pointerleave", onLeave);
  frame.addEventListener("wheel", onWheel, { passive: false });
  addEventListener("keydown", onKey, true);
  return () => {
    giveUp();
    frame.removeEventListener("pointerdown", onDown);
    frame.removeEventListener("pointermove", onMove);
    frame.removeEventListener("pointerup", onUp);
    frame.removeEventListener("pointercancel", onUp);
    frame.removeEventListener("pointerleave", onLeave);
    frame.removeEventListener("wheel", onWheel);
    removeEventListener("keydown", onKey, true);
  };
}
