// Long lists: only the rows near the part of the page that is seen are in the document.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Window {
  /** The rows to show: from first, up to end. */
  first: number;
  end: number;
  /** The height of the rows before and after them, in pixels. */
  before: number;
  after: number;
}

/** How many rows are kept on each side, so that scrolling and the Tab key find the next ones. */
const spare = 12;

/**
 * Computes the rows of a list that begins at top, in pixels from the upper edge of a view of the
 * given height.
 */
export function windowOf(count: number, row: number, top: number, view: number): Window {
  const clamp = (n: number) => Math.max(0, Math.min(count, n));
  const first = clamp(Math.floor(-top / row) - spare);
  const end = clamp(Math.ceil((view - top) / row) + spare);
  return { first, end, before: first * row, after: (count - end) * row };
}

/** Follows the scrolling of the page. All rows of the list in ref have the same height, in pixels. */
export function useWindow(ref: RefObject<HTMLElement>, count: number, row: number): Window {
  const [w, setWindow] = useState(() => windowOf(count, row, 0, innerHeight));
  useEffect(() => {
    let frame = 0;
    const update = () => {
      frame = 0;
      const now = windowOf(count, row, ref.current?.getBoundingClientRect().top ?? 0, innerHeight);
      setWindow((old) =>
        old.first === now.first && old.end === now.end && old.before === now.before && old.after === now.after
          ? old
          : now,
      );
    };
    const later = () => {
      frame ||= requestAnimationFrame(update);
    };
    update();
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [count, row]);
  return { ...w, end: Math.min(w.end, count), first: Math.min(w.first, count) };
}
