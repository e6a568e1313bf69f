// The code editor. Its code is loaded when the first one is shown; until then, and if it cannot be loaded, a
// plain text field of the same size does.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Choices, moved } from "../templates/Choices";
import type { Suggestion } from "../templates/complete";
import { visible } from "../ui/text";
import type { Completing, Handle } from "./codemirror";
import { FindBar } from "./FindBar";

export interface Marker {
  /** 1-based; the column counts code points. */
  line: number;
  column?: number;
  message: string;
  tone?: "bad" | "warn";
}

export interface CodeEditorProps {
  language: "json" | "javascript";
  value: string;
  onValue: (value: string) => void;
  markers?: readonly Marker[];
  readOnly?: boolean;
  label: string;
  minLines?: number;
  maxLines?: number;
  /** Fills the height of what is around it instead of growing by lines. */
  fill?: boolean;
  /** Offers what can be put into the template, or the path in code, that is being typed. */
  complete?: (query: string) => readonly Suggestion[];
  /** Gets what puts the caret at a line and column, and the focus into the editor. */
  onReady?: (show: (line: number, column?: number) => void) => void;
}

/** The height of a line, in pixels; that of theme.ts. */
const lineHeight = 20;

interface Open {
  place: Completing;
  choices: readonly Suggestion[];
  at: number;
}

export function CodeEditor(props: CodeEditorProps) {
  const { value, minLines = 4, maxLines = 24, fill, label, readOnly } = props;
  const host = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLTextAreaElement>(null);
  const handle = useRef<Handle>();
  const latest = useRef(props);
  latest.current = props;
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
  const [search, setSearch] = useState<string>();
  const list = useId();
  // The editor calls back between two drawings of the page, so that what is open is kept beside the state.
  const open = useRef<Open>();
  const [, drawn] = useState(0);
  const setOpen = (next: Open | undefined) => {
    if (!open.current && !next) return;
    open.current = next;
    drawn((n) => n + 1);
  };

  const onPlace = (place: Completing | undefined, asked: boolean) => {
    const choices = place ? (latest.current.complete?.(place.query) ?? []) : [];
    setOpen(
      place && (choices.length > 0 || asked) && latest.current.complete && !latest.current.readOnly
        ? { place, choices, at: 0 }
        : undefined,
    );
  };
  const choose = (s: Suggestion) => handle.current?.complete(s.path);
  const onKey = (e: KeyboardEvent): boolean => {
    const now = open.current;
    if (!now || e.ctrlKey || e.metaKey || e.altKey) return false;
    if (e.key === "Escape") {
      setOpen(undefined);
      return true;
    }
    const to = moved(e.key, now.at, now.choices.length);
    const chosen = now.choices[now.at];
    if (to !== undefined) setOpen({ ...now, at: to });
    else if ((e.key === "Enter" || e.key === "Tab") && !e.shiftKey && chosen) choose(chosen);
    else return false;
    return true;
  };

  useEffect(() => {
    let gone = false;
    import("./codemirror").then(
      ({ create }) => {
        if (gone || !host.current) return;
        const { language, onReady } = latest.current;
        handle.current = create(host.current, {
          language,
          value: latest.current.value,
          label: latest.current.label,
          readOnly: latest.current.readOnly ?? false,
          onValue: (v) => latest.current.onValue(v),
          onPlace,
          onKey,
          onSearch: () => setSearch(handle.current?.selected() ?? ""),
        });
        const typedIn = plain.current; // somebody was faster than the editor: the caret stays where it is
        if (typedIn && document.activeElement === typedIn)
          handle.current.focus(typedIn.selectionStart, typedIn.selectionEnd);
        onReady?.(handle.current.show);
        setState("ready");
      },
      () => {
        if (!gone) setState("failed");
      },
    );
    return () => {
      gone = true;
      handle.current?.destroy();
    };
  }, []);
  useEffect(() => handle.current?.setValue(value), [value, state]);
  useEffect(() => handle.current?.setMarkers(props.markers ?? []), [props.markers, state]);
  useEffect(() => handle.current?.setReadOnly(readOnly ?? false), [readOnly, state]);

  const lines = Math.min(maxLines, Math.max(minLines, value.split("\n", maxLines + 1).length));
  useEffect(() => {
    if (box.current && !fill) box.current.style.height = `${lines * lineHeight + 10}px`;
  }, [lines, fill]);

  const now = open.current;
  return (
    <div class={`code-editor${fill ? " fill" : ""}`}>
      {search !== undefined && (
        <FindBar
          first={search}
          find={(text, step) => handle.current!.find(text, step)}
          onClose={() => {
            setSearch(undefined);
            handle.current?.focus();
          }}
        />
      )}
      <div class="code-box" ref={box}>
        <div ref={host} class={`code-host${state === "ready" ? "" : " covered"}`} />
        {state !== "ready" && (
          <textarea
            class="code-plain"
            ref={plain}
            aria-label={label}
            spellcheck={false}
            readOnly={readOnly}
            aria-busy={state === "loading"}
            value={value}
            onInput={(e) => props.onValue(e.currentTarget.value)}
          />
        )}
      </div>
      {now && (
        <Choices
          id={list}
          choices={now.choices}
          at={now.at}
          onAt={(at) => setOpen({ ...now, at })}
          onChoose={choose}
          around={() => open.current?.place}
          sampled
          query={now.place.query}
        />
      )}
      <span class="visually-hidden" role="status">
        {now?.choices[now.at]
          ? `${visible(now.choices[now.at]!.path)}, ${now.at + 1} of ${now.choices.length}`
          : ""}
      </span>
      {state === "failed" && (
        <p class="hint" role="status">
          The code editor could not be loaded, so this is a plain text field. Reload the page to try again.
        </p>
      )}
      {state !== "ready" &&
        props.markers?.map((m, i) => (
          <p key={i} class="field-error">
            Line {m.line}: {visible(m.message)}
          </p>
        ))}
      <p class="hint">
        {readOnly ? "Read-only." : "Tab indents. To leave with the keyboard, press Esc, then Tab."}
      </p>
    </div>
  );
}
