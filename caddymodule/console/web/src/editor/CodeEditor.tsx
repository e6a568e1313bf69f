// The code editor. Its code is loaded when the first one is shown; until then, and if it cannot be loaded, a plain text
// field of the same size does.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { visible } from "../ui/text";
import type { Completer, Handle } from "./codemirror";

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
  /** Offers what can be put into the template around a place. */
  complete?: Completer;
  describedBy?: string;
  /** Gets what puts the caret at a line and column, and the focus into the editor. */
  onReady?: (show: (line: number, column?: number) => void) => void;
}

/** The height of a line, in pixels; that of codemirror.ts. */
export const lineHeight = 20;

export function CodeEditor(props: CodeEditorProps) {
  const { value, minLines = 4, maxLines = 24, fill, label, readOnly } = props;
  const host = useRef<HTMLDivElement>(null);
  const handle = useRef<Handle>();
  const latest = useRef(props);
  latest.current = props;
  const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
  const hint = useId();

  useEffect(() => {
    let gone = false;
    import("./codemirror").then(({ create }) => {
      if (gone || !host.current) return;
      const { language, onReady } = latest.current;
      handle.current = create(host.current, {
        language,
        value: latest.current.value,
        label: latest.current.label,
        readOnly: latest.current.readOnly ?? false,
        onValue: (v) => latest.current.onValue(v),
        complete: (query) => latest.current.complete?.(query) ?? [],
      });
      handle.current.setMarkers(latest.current.markers ?? []);
      onReady?.(handle.current.show);
      setState("ready");
    }, () => { if (!gone) setState("failed"); });
    return () => { gone = true; handle.current?.destroy(); };
  }, []);
  useEffect(() => handle.current?.setValue(value), [value, state]);
  useEffect(() => handle.current?.setMarkers(props.markers ?? []), [props.markers, state]);
  useEffect(() => handle.current?.setReadOnly(readOnly ?? false), [readOnly, state]);

  const box = useRef<HTMLDivElement>(null);
  const lines = Math.min(maxLines, Math.max(minLines, value.split("\n", maxLines + 1).length));
  useEffect(() => {
    if (box.current && !fill) box.current.style.height = `${lines * lineHeight + 10}px`;
  }, [lines, fill]);

  return (
    <div class={`code-editor${fill ? " fill" : ""}`}>
      <div class="code-box" ref={box}>
        <div ref={host} class={`code-host${state === "ready" ? "" : " covered"}`} />
        {state !== "ready" && (
          <textarea class="code-plain" aria-label={label} spellcheck={false} readOnly={readOnly || state === "loading"} aria-busy={state === "loading"}
            value={value} onInput={(e) => props.onValue(e.currentTarget.value)} />
        )}
      </div>
      {state === "failed" && (
        <p class="hint" role="status">The code editor could not be loaded, so this is a plain text field. Reload the page to try again.</p>
      )}
      {state !== "ready" && props.markers?.map((m, i) => <p key={i} class="field-error">Line {m.line}: {visible(m.message)}</p>)}
      <p class="hint" id={hint}>{readOnly ? "Read-only." : "Tab indents. To leave with the keyboard, press Esc, then Tab."}</p>
    </div>
  );
}
