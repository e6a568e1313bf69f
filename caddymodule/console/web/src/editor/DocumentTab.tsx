// The document of a workflow as JSON text.
import { useMemo, useRef } from "preact/hooks";
import type { Problem } from "../api/types";
import { JsonSyntaxError, parse, stringify } from "../json/lossless";
import { Button, CopyButton } from "../ui/controls";
import { say } from "../ui/dialog";
import { Problems } from "../ui/show";
import { plural } from "../ui/text";
import { CodeEditor, type Marker } from "./CodeEditor";

export interface DocumentTabProps {
  text: string;
  /** What the server says about this text, or a text before it. */
  problems: readonly Problem[];
  onText: (text: string) => void;
  readOnly?: boolean;
}

export function DocumentTab({ text, problems, onText, readOnly }: DocumentTabProps) {
  const show = useRef<(line: number, column?: number) => void>();
  const syntax = useMemo(() => syntaxError(text), [text]);
  const list = useMemo(() => (syntax ? [syntax] : problems), [syntax, problems]);
  const markers = useMemo(
    () =>
      list.flatMap((p): Marker[] =>
        p.line === undefined
          ? []
          : [{ line: p.line, column: p.column, message: p.path ? `${p.path}: ${p.reason}` : p.reason }],
      ),
    [list],
  );
  return (
    <div class="document-tab">
      <div class="toolbar">
        <span class="muted small" role="status">
          {list.length ? plural(list.length, "problem") : plural(text.split("\n").length, "line")}
        </span>
        <span class="grow" />
        {!readOnly && (
          <Button small disabled={syntax !== undefined} onClick={() => onText(format(text))}>
            Format
          </Button>
        )}
        <CopyButton text={text} label="Copy the document" />
      </div>
      <CodeEditor
        language="json"
        fill
        value={text}
        onValue={onText}
        markers={markers}
        readOnly={readOnly}
        label="The document of the workflow, JSON"
        onReady={(go) => {
          show.current = go;
        }}
      />
      {list.length > 0 && (
        <div class="document-problems">
          <Problems
            list={list}
            onGo={(p) =>
              p.line === undefined
                ? say("The document has no such place any more.", { tone: "bad" })
                : show.current?.(p.line, p.column)
            }
          />
        </div>
      )}
    </div>
  );
}

function syntaxError(text: string): Problem | undefined {
  try {
    parse(text);
    return undefined;
  } catch (e) {
    if (!(e instanceof JsonSyntaxError)) throw e;
    return { path: "", reason: e.message, line: e.line, column: e.column };
  }
}

/** Indents the text. Digits, order of keys and texts stay; of repeated keys the last stays. */
const format = (text: string): string => stringify(parse(text), 2) + "\n";
