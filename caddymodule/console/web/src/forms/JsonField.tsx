// A value as JSON text, for what has no better form.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { CodeEditor, type Marker } from "../editor/CodeEditor";
import { equal, type Json, JsonSyntaxError, parse, stringify } from "../json/lossless";
import { suggest } from "../templates/complete";
import { type Path, pathText } from "../templates/path";
import { visible } from "../ui/text";
import { draftOf, keepDraft, useField, useForm } from "./context";
import { TooLarge } from "./parts";

const maxText = 200_000;

/** Edits the value at a path as JSON. While the text is no JSON, the document keeps its last value. */
export function JsonControl({
  path,
  label,
  optional,
  minLines = 4,
  maxLines = 20,
}: {
  path: Path;
  label: string;
  optional?: boolean;
  minLines?: number;
  maxLines?: number;
}) {
  const form = useForm();
  const { value, set, readOnly } = useField(path);
  const key = `${form.key}/json/${pathText(path)}`;
  const [typed, setTyped] = useState(() => draftOf(key) ?? written(value));
  const from = useRef(value);
  useEffect(() => {
    // changed elsewhere, as by undo
    if (from.current === value || equal(from.current, value)) return;
    from.current = value;
    keepDraft(key, undefined);
    setTyped(written(value));
  }, [value]);
  const problem = useMemo(
    () => (typed.trim() === "" && optional ? undefined : syntaxProblem(typed)),
    [typed, optional],
  );
  const markers = useMemo(
    (): Marker[] =>
      problem ? [{ line: problem.line, column: problem.column, message: problem.message }] : [],
    [problem],
  );
  if (typed.length > maxText)
    return <TooLarge text={typed} what={`This value has ${typed.length.toLocaleString("en")} characters.`} />;
  return (
    <div class="stack tight">
      <CodeEditor
        language="json"
        label={label}
        value={typed}
        readOnly={readOnly}
        minLines={minLines}
        maxLines={maxLines}
        markers={markers}
        complete={(query) => suggest(form.scope, query)}
        onValue={(t) => {
          setTyped(t);
          if (t.trim() === "" && optional) {
            keepDraft(key, undefined);
            from.current = undefined;
            set(undefined, true);
            return;
          }
          const next = valueOf(t);
          keepDraft(key, next ? undefined : t);
          if (!next) return;
          from.current = next;
          set(next, true);
        }}
      />
      {problem && (
        <p class="field-error" role="status">
          {visible(problem.message)}. Until it is JSON, the workflow keeps the last value.
        </p>
      )}
    </div>
  );
}

const written = (v: Json | undefined): string => (v ? stringify(v, 2) : "");

function valueOf(t: string): Json | undefined {
  return syntaxProblem(t) ? undefined : parse(t);
}

function syntaxProblem(t: string): JsonSyntaxError | undefined {
  try {
    parse(t);
    return undefined;
  } catch (e) {
    if (e instanceof JsonSyntaxError) return e;
    throw e;
  }
}
