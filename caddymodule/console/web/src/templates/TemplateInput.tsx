// A text field that may hold templates: they are marked, completed, and previewed with the values of the last event.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { stringify } from "../json/lossless";
import { Icon } from "../ui/icons";
import { line, plural, visible } from "../ui/text";
import { insertPath, placeAt, suggest, type Suggestion } from "./complete";
import { parseText } from "./parse";
import { previewText } from "./preview";
import type { Scope } from "./scope";

export interface TemplateInputProps {
  value: string;
  onValue: (value: string) => void;
  scope: Scope;
  /** The field takes several lines. A value that has some is always shown so. */
  multiline?: boolean;
  readOnly?: boolean;
  placeholder?: string;
  id?: string;
  label?: string;
  invalid?: boolean;
  required?: boolean;
  describedBy?: string;
  /** The text is meant to be one template: its preview says what type it gives. */
  wholeOnly?: boolean;
}

type Control = HTMLInputElement | HTMLTextAreaElement;

/** Longer texts are not marked: the marks are a second copy of the text. */
const maxMarked = 4000;

export function TemplateInput(props: TemplateInputProps) {
  const { value, scope, readOnly } = props;
  const multiline = props.multiline || value.includes("\n");
  const control = useRef<Control>(null);
  const marks = useRef<HTMLDivElement>(null);
  const list = useId();
  const previewId = useId();
  const [open, setOpen] = useState<{ query: string } | undefined>();
  const [at, setAt] = useState(0);
  const caretAfter = useRef<number>();

  const choices = useMemo(() => (open ? suggest(scope, open.query) : []), [open, scope]);
  const preview = useMemo(() => previewText(value, scope), [value, scope]);

  useLayoutEffect(() => { // the caret behind what was chosen
    if (caretAfter.current === undefined) return;
    control.current?.setSelectionRange(caretAfter.current, caretAfter.current);
    caretAfter.current = undefined;
  }, [value]);

  const close = () => setOpen(undefined);
  /** Opens the list if the caret is in a template, or closes it. */
  const follow = (el: Control) => {
    const place = el.selectionStart === null || el.selectionStart !== el.selectionEnd ? undefined : placeAt(el.value, el.selectionStart);
    setAt(0);
    setOpen(place && { query: place.query });
  };
  const openHere = () => {
    const el = control.current;
    if (!el || readOnly) return;
    el.focus();
    setAt(0);
    setOpen({ query: placeAt(el.value, el.selectionStart ?? el.value.length)?.query ?? "" });
  };
  const choose = (s: Suggestion) => {
    const el = control.current;
    if (!el) return;
    const put = insertPath(el.value, el.selectionStart ?? el.value.length, s.path);
    caretAfter.current = put.caret;
    close();
    props.onValue(put.text);
    el.focus();
  };
  const onKeyDown = (e: KeyboardEvent) => {
    if (e.key === " " && e.ctrlKey) {
      e.preventDefault();
      openHere();
      return;
    }
    if (!open) return;
    if (e.key === "Escape") {
      e.preventDefault();
      e.stopPropagation();
      close();
      return;
    }
    if (choices.length === 0) return;
    const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: Math.min(at + 8, choices.length - 1), PageUp: Math.max(at - 8, 0) };
    const to = moves[e.key];
    if (to !== undefined) {
      e.preventDefault();
      setAt((to + choices.length) % choices.length);
    } else if ((e.key === "Enter" || e.key === "Tab") && !e.shiftKey && choices[at]) {
      e.preventDefault();
      choose(choices[at]);
    }
  };
  const scrollMarks = () => {
    if (!marks.current || !control.current) return;
    marks.current.scrollLeft = control.current.scrollLeft;
    marks.current.scrollTop = control.current.scrollTop;
  };
  useLayoutEffect(scrollMarks, [value]);

  const hasChoices = open !== undefined && choices.length > 0;
  const shared = {
    id: props.id,
    value,
    readOnly,
    placeholder: props.placeholder,
    spellcheck: false,
    autocomplete: "off",
    "aria-label": props.label,
    "aria-invalid": props.invalid || preview?.error ? true : undefined,
    "aria-required": props.required || undefined,
    "aria-describedby": [props.describedBy, preview && previewId].filter(Boolean).join(" ") || undefined,
    "aria-autocomplete": "list" as const,
    "aria-haspopup": "listbox" as const,
    "aria-controls": hasChoices ? list : undefined,
    "aria-activedescendant": hasChoices ? `${list}-${at}` : undefined,
    onKeyDown,
    onScroll: scrollMarks,
    onClick: () => { if (open) close(); },
    onBlur: close,
  };
  const onInput = (el: Control) => {
    props.onValue(el.value);
    follow(el);
  };
  return (
    <div class="template-input">
      <div class={`template-box${multiline ? " lines" : ""}`}>
        {value.includes("{{") && value.length <= maxMarked && <Marks text={value} box={marks} />}
        {multiline
          ? <textarea {...shared} rows={1} ref={control as { current: HTMLTextAreaElement | null }} class="input" onInput={(e) => onInput(e.currentTarget)} />
          : <input {...shared} type="text" role="combobox" aria-expanded={hasChoices} ref={control as { current: HTMLInputElement | null }} class="input"
              onInput={(e) => onInput(e.currentTarget)} />}
        {!readOnly && (
          <button type="button" class="template-open" aria-label={`Insert a value${props.label ? ` into ${props.label}` : ""}`} title="Insert a value (Ctrl+Space)"
            onMouseDown={(e) => e.preventDefault()} onClick={openHere}>
            <span aria-hidden="true">{"{ }"}</span>
          </button>
        )}
      </div>
      {open && <Choices id={list} choices={choices} at={at} onAt={setAt} onChoose={choose} anchor={control} scope={scope} query={open.query} />}
      <span class="visually-hidden" role="status">{open ? (choices.length ? `${plural(choices.length, "suggestion")}, use the arrow keys` : "No suggestions") : ""}</span>
      {preview && <PreviewLine id={previewId} preview={preview} whole={props.wholeOnly ?? false} sampled={scope.sampled} />}
    </div>
  );
}

/** The text once more behind the field, with its templates marked. */
function Marks({ text, box }: { text: string; box: { current: HTMLDivElement | null } }) {
  const pieces = useMemo(() => {
    const out: ComponentChildren[] = [];
    let done = 0;
    for (const part of parseText(text).parts) {
      if (part.kind !== "template") continue;
      out.push(text.slice(done, part.from), <mark key={part.from}>{text.slice(part.from, part.to)}</mark>);
      done = part.to;
    }
    out.push(text.slice(done));
    return out;
  }, [text]);
  return <div class="template-marks" aria-hidden="true" ref={box}>{pieces}</div>;
}

interface ChoicesProps {
  id: string;
  choices: readonly Suggestion[];
  at: number;
  onAt: (at: number) => void;
  onChoose: (s: Suggestion) => void;
  anchor: { current: Control | null };
  scope: Scope;
  query: string;
}

/** The list of suggestions: in the top layer, since forms are in boxes that scroll. */
function Choices({ id, choices, at, onAt, onChoose, anchor, scope, query }: ChoicesProps) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    el.showPopover?.();
    const place = () => {
      if (!anchor.current) return;
      const around = anchor.current.getBoundingClientRect();
      const width = Math.min(Math.max(around.width, 340), innerWidth - 16);
      const below = innerHeight - around.bottom - 12;
      const above = around.top - 12;
      const up = below < 200 && above > below;
      el.style.width = `${width}px`;
      el.style.left = `${Math.max(8, Math.min(around.left, innerWidth - width - 8))}px`;
      el.style.maxHeight = `${Math.min(340, up ? above : below)}px`;
      el.style.top = up ? "auto" : `${around.bottom + 4}px`;
      el.style.bottom = up ? `${innerHeight - around.top + 4}px` : "auto";
    };
    place();
    addEventListener("scroll", place, true);
    addEventListener("resize", place);
    return () => { removeEventListener("scroll", place, true); removeEventListener("resize", place); };
  }, []);
  useEffect(() => box.current?.querySelector(`[id="${id}-${at}"]`)?.scrollIntoView({ block: "nearest" }), [at, choices]);
  return (
    <div class="template-choices" popover="manual" ref={box} onMouseDown={(e) => e.preventDefault()}>
      {choices.length === 0 ? <p class="hint">{visible(query) ? `Nothing is named like ${line(query, 60)}. Any path can be typed.` : "There is nothing to insert yet."}</p> : (
        <ul role="listbox" id={id} aria-label="Values">
          {choices.map((c, i) => (
            <li key={c.path} id={`${id}-${i}`} role="option" aria-selected={i === at} onMouseEnter={() => onAt(i)} onClick={() => onChoose(c)}>
              <span class="mono cut">{visible(c.path)}</span>
              <span class="about cut">{line(c.about, 60)}</span>
            </li>
          ))}
        </ul>
      )}
      {!scope.sampled && <p class="hint">Send this workflow an event, and its values are offered here.</p>}
    </div>
  );
}

const kindWords: Record<string, string> = { string: "text", number: "a number", boolean: "true or false", object: "an object", array: "a list", null: "null" };

function PreviewLine({ id, preview, whole, sampled }: { id: string; preview: NonNullable<ReturnType<typeof previewText>>; whole: boolean; sampled: boolean }) {
  if (preview.error) return <p class="field-error" id={id}><Icon name="warn" size={14} /> {visible(preview.error)}</p>;
  if (!sampled) return null;
  const v = preview.value;
  return (
    <div class="template-preview" id={id}>
      {v ? <p class="cut" title={line(stringify(v), 1000)}><span class="visually-hidden">With the last event this is </span><span aria-hidden="true">→ </span>
        <span class="mono">{line(stringify(v), 160)}</span>{whole && <span class="muted"> {kindWords[v.kind]}</span>}</p> : null}
      {preview.notes.slice(0, 3).map((n, i) => <p key={i} class="preview-note">{line(n, 200)}</p>)}
    </div>
  );
}
