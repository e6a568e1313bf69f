// The list of what can be put into a template, beside a field or at the caret of the code editor.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { line, visible } from "../ui/text";
import type { Suggestion } from "./complete";

/** Where a list stands: above or below this. */
export interface Around {
  left: number;
  top: number;
  bottom: number;
  width?: number;
}

interface ChoicesProps {
  id: string;
  choices: readonly Suggestion[];
  at: number;
  onAt: (at: number) => void;
  onChoose: (s: Suggestion) => void;
  around: () => Around | undefined;
  /** There is an event whose values are offered. */
  sampled: boolean;
  query: string;
}

const minWidth = 340;
const maxHeight = 340;
/** The room that a list wants below; with less it goes above if there is more. */
const enough = 200;

/** The list of suggestions: in the top layer, since forms are in boxes that scroll. */
export function Choices({ id, choices, at, onAt, onChoose, around, sampled, query }: ChoicesProps) {
  const box = useRef<HTMLDivElement>(null);
  const place = () => {
    const el = box.current;
    const field = around();
    if (!el || !field) return;
    const room = document.documentElement.clientWidth;
    const width = Math.min(Math.max(field.width ?? 0, minWidth), room - 16);
    const below = innerHeight - field.bottom - 12;
    const above = field.top - 12;
    const up = below < enough && above > below;
    el.style.width = `${width}px`;
    el.style.left = `${Math.max(8, Math.min(field.left, room - width - 8))}px`;
    el.style.maxHeight = `${Math.min(maxHeight, up ? above : below)}px`;
    el.style.top = up ? "auto" : `${field.bottom + 4}px`;
    el.style.bottom = up ? `${innerHeight - field.top + 4}px` : "auto";
  };
  useLayoutEffect(() => {
    box.current?.showPopover?.();
    addEventListener("scroll", place, true);
    addEventListener("resize", place);
    return () => {
      removeEventListener("scroll", place, true);
      removeEventListener("resize", place);
    };
  }, []);
  useLayoutEffect(place);
  useEffect(
    () => box.current?.querySelector(`[id="${id}-${at}"]`)?.scrollIntoView({ block: "nearest" }),
    [at, choices],
  );
  return (
    <div class="template-choices" popover="manual" ref={box} onMouseDown={(e) => e.preventDefault()}>
      {choices.length === 0 ? (
        <p class="hint">
          {query.trim()
            ? `Nothing is named like ${line(query, 60)}. Any path can be typed.`
            : "There is nothing to insert yet."}
        </p>
      ) : (
        <ul role="listbox" id={id} aria-label="Values">
          {choices.map((c, i) => (
            <li
              key={c.path}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at}
              onMouseEnter={() => onAt(i)}
              onClick={() => onChoose(c)}>
              <span class="mono cut">{visible(c.path)}</span>
              <span class="about cut">{line(c.about, 60)}</span>
            </li>
          ))}
        </ul>
      )}
      {!sampled && <p class="hint">Send this workflow an event, and its values are offered here.</p>}
    </div>
  );
}

/** Where a key leads in a list of n, or undefined if it leads nowhere. */
export function moved(key: string, at: number, n: number): number | undefined {
  if (n === 0) return undefined;
  switch (key) {
    case "ArrowDown":
      return (at + 1) % n;
    case "ArrowUp":
      return (at - 1 + n) % n;
    case "PageDown":
      return Math.min(at + 8, n - 1);
    case "PageUp":
      return Math.max(at - 8, 0);
  }
  return undefined;
}
