// A text field that may hold templates: they are marked, completed, and previewed with the values of the last
// event.
import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { stringify } from "../json/lossless";
import { Icon } from "../ui/icons";
import { line, plural, visible } from "../ui/text";
import { Choices, moved } from "./Choices";
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
  /** What is wrong is shown elsewhere. */
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

  useLayoutEffect(() => {
    // the caret behind what was chosen
    if (caretAfter.current === undefined) return;
    control.current?.setSelectionRange(caretAfter.current, caretAfter.current);
    caretAfter.current = undefined;
  }, [value]);

  const close = () => setOpen(undefined);
  /** Opens the list if the caret is in a template, or closes it. */
  const follow = (el: Control) => {
    const place =
      el.selectionStart === null || el.selectionStart !== el.selectionEnd
        ? undefined
        : placeAt(el.value, el.selectionStart);
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
    const to = moved(e.key, at, choices.length);
    if (to !== undefined) {
      e.preventDefault();
      setAt(to);
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
    onClick: () => {
      if (open) close();
    },
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
        {multiline ? (
          <textarea
            {...shared}
            rows={1}
            ref={control as { current: HTMLTextAreaElement | null }}
            class="input"
            onInput={(e) => onInput(e.currentTarget)}
          />
        ) : (
          <input
            {...shared}
            type="text"
            role="combobox"
            aria-expanded={hasChoices}
            ref={control as { current: HTMLInputElement | null }}
            class="input"
            onInput={(e) => onInput(e.currentTarget)}
          />
        )}
        {!readOnly && (
          <button
            type="button"
            class="template-open"
            aria-label={`Insert a value${props.label ? ` into ${props.label}` : ""}`}
            title="Insert a value (Ctrl+Space)"
            onMouseDown={(e) => e.preventDefault()}
            onClick={openHere}>
            <span aria-hidden="true">{"{ }"}</span>
          </button>
        )}
      </div>
      {open && (
        <Choices
          id={list}
          choices={choices}
          at={at}
          onAt={setAt}
          onChoose={choose}
          around={() => control.current?.getBoundingClientRect()}
          sampled={scope.sampled}
          query={open.query}
        />
      )}
      <span class="visually-hidden" role="status">
        {open
          ? choices.length
            ? `${plural(choices.length, "suggestion")}, use the arrow keys`
            : "No suggestions"
          : ""}
      </span>
      {preview && !(preview.error && props.invalid) && (
        <PreviewLine
          id={previewId}
          preview={preview}
          whole={props.wholeOnly ?? false}
          sampled={scope.sampled}
        />
      )}
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
  return (
    <div class="template-marks" aria-hidden="true" ref={box}>
      {pieces}
    </div>
  );
}

const kindWords: Record<string, string> = {
  string: "text",
  number: "a number",
  boolean: "true or false",
  object: "an object",
  array: "a list",
  null: "null",
};

function PreviewLine({
  id,
  preview,
  whole,
  sampled,
}: {
  id: string;
  preview: NonNullable<ReturnType<typeof previewText>>;
  whole: boolean;
  sampled: boolean;
}) {
  if (preview.error)
    return (
      <p class="field-error" id={id}>
        <Icon name="warn" size={14} /> {visible(preview.error)}
      </p>
    );
  if (!sampled) return null;
  const v = preview.value;
  return (
    <div class="template-preview" id={id}>
      {v ? (
        <p class="cut" title={line(stringify(v), 1000)}>
          <span class="visually-hidden">With the last event this is </span>
          <span aria-hidden="true">→ </span>
          <span class="mono">{line(stringify(v), 160)}</span>
          {whole && <span class="muted"> {kindWords[v.kind]}</span>}
        </p>
      ) : null}
      {preview.notes.slice(0, 3).map((n, i) => (
        <p key={i} class="preview-note">
          {line(n, 200)}
        </p>
      ))}
    </div>
  );
}
