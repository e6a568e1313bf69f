// Where one was on a page before: going back shows the same place of a list.

/** How long a page may take to become as long as it was, in frames. */
const maxFrames = 30;
let frame = 0;

/** Notes the place in the entry of the history, which the browser keeps with the tab. */
export function keepScroll(): void {
  history.scrollRestoration = "manual";
  let timer: ReturnType<typeof setTimeout> | undefined;
  addEventListener(
    "scroll",
    () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        history.replaceState({ ...(history.state as object | null), y: scrollY }, "");
      }, 250);
    },
    { passive: true },
  );
  // The place of a page is not that of the next one.
  addEventListener("hashchange", () => clearTimeout(timer));
}

/** Shows a page from its beginning or, when one has come back to it, from where one was. */
export function restoreScroll(): void {
  cancelAnimationFrame(frame);
  const y = (history.state as { y?: number } | null)?.y ?? 0;
  scrollTo(0, y);
  let left = maxFrames;
  const again = () => {
    if (Math.abs(scrollY - y) < 2 || left-- === 0) return;
    scrollTo(0, y);
    frame = requestAnimationFrame(again);
  };
  if (y > 0) frame = requestAnimationFrame(again);
}
