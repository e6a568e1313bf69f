// Any JSON value, made of rows instead of written: texts with templates, numbers, objects and lists of them.
import { useState } from "preact/hooks";
import { arr, bool, type Json, num, obj, str, stringify, text } from "../json/lossless";
import { type Path, pathText } from "../templates/path";
import { visible } from "../ui/text";
import { draftOf, useField, useForm } from "./context";
import { ChoiceControl, type Ids, NumberControl, TextControl } from "./inputs";
import { JsonControl } from "./JsonField";
import { isNumber } from "./numbers";
import { PairList } from "./PairList";
import { AddButton, FieldButton, Frame, Group, maxRows, moved, RowButtons, TooLarge } from "./parts";

type Kind = Json["kind"];
const allKinds: readonly Kind[] = ["string", "number", "boolean", "object", "array", "null"];
const kindWords: Record<Kind, string> = {
  string: "Text",
  number: "Number",
  boolean: "Yes/no",
  object: "Object",
  array: "List",
  null: "Null",
};

/** How deep rows are nested; deeper values are edited as JSON. */
const maxNesting = 6;

const fresh: Record<Kind, (before: Json | undefined) => Json> = {
  string: (v) => str(v?.kind === "number" ? v.text : v?.kind === "boolean" ? String(v.value) : ""),
  number: (v) => num(isNumber(text(v)?.trim() ?? "") ? text(v)!.trim() : "0"),
  boolean: (v) => bool(text(v)?.trim() === "true"),
  object: () => obj([["", str("")]]),
  array: (v) => (v && text(v) !== "" ? arr(v) : arr(str(""))),
  null: () => ({ kind: "null" }),
};

const truths = [true, false].map((b) => ({ value: bool(b), label: b ? "Yes" : "No" }));

interface AnyProps {
  path: Path;
  label: string;
  hint?: string;
  required?: boolean;
  kinds?: readonly Kind[];
  placeholder?: string;
}

/** A labeled value of any kind, which can also be edited as JSON. */
export function AnyField({ path, label, hint, required, kinds, placeholder }: AnyProps) {
  const form = useForm();
  const { value } = useField(path);
  const [asJson, setAsJson] = useState(() => draftOf(`${form.key}/json/${pathText(path)}`) !== undefined);
  const aside = (
    <span class="row">
      <FieldButton icon="code" onClick={() => setAsJson(!asJson)}>
        {asJson ? "Edit as fields" : "Edit as JSON"}
      </FieldButton>
    </span>
  );
  if (asJson) {
    return (
      <Group path={path} label={label} hint={hint} aside={aside} required={required}>
        <JsonControl path={path} label={`${label}, JSON`} optional={!required} />
      </Group>
    );
  }
  if (value && (value.kind === "object" || value.kind === "array")) {
    return (
      <Group path={path} label={label} hint={hint} aside={aside} required={required}>
        <AnyControl path={path} label={label} kinds={kinds} optional={!required} />
      </Group>
    );
  }
  return (
    <Frame path={path} label={label} hint={hint} aside={aside} required={required} whole>
      {(ids) => (
        <AnyControl
          path={path}
          ids={ids}
          label={label}
          kinds={kinds}
          optional={!required}
          placeholder={placeholder}
        />
      )}
    </Frame>
  );
}

/** A value of any kind, with a choice of the kind beside it. */
export function AnyControl({
  path,
  ids,
  label,
  kinds = allKinds,
  optional,
  placeholder,
  nesting = 0,
}: {
  path: Path;
  ids?: Ids;
  label: string;
  kinds?: readonly Kind[];
  optional?: boolean;
  placeholder?: string;
  nesting?: number;
}) {
  const { value, set, readOnly } = useField(path);
  const kind = value?.kind ?? "string";
  const name = ids?.id ? undefined : label;
  const options = kinds.includes(kind) ? kinds : [...kinds, kind];
  const choice =
    options.length < 2 ? null : (
      <select
        class="kind-select"
        aria-label={`Kind of ${label}`}
        title="The kind of this value"
        disabled={readOnly}
        value={kind}
        onChange={(e) => {
          const k = e.currentTarget.value as Kind;
          if (k !== kind) set(fresh[k](value));
        }}>
        {options.map((k) => (
          <option key={k} value={k}>
            {kindWords[k]}
          </option>
        ))}
      </select>
    );
  if ((kind === "object" || kind === "array") && nesting >= maxNesting)
    return <JsonControl path={path} label={label} />;
  switch (kind) {
    case "object":
      return (
        <div class="any nested">
          {choice}
          <ObjectRows path={path} nesting={nesting} />
        </div>
      );
    case "array":
      return (
        <div class="any nested">
          {choice}
          <ListRows path={path} label={label} nesting={nesting} />
        </div>
      );
    case "number":
      return (
        <div class="any">
          <NumberControl path={path} ids={ids} label={name} />
          {choice}
        </div>
      );
    case "boolean":
      return (
        <div class="any">
          <ChoiceControl path={path} ids={ids} label={name} options={truths} />
          {choice}
        </div>
      );
    case "null":
      return (
        <div class="any">
          <span class="null-value">null</span>
          {choice}
        </div>
      );
    case "string":
      return (
        <div class="any">
          <TextControl
            path={path}
            ids={ids}
            label={name}
            multiline
            optional={optional}
            placeholder={placeholder}
          />
          {choice}
        </div>
      );
  }
}

function ObjectRows({ path, nesting }: { path: Path; nesting: number }) {
  return (
    <PairList path={path} what="field" fresh={() => str("")} tall={isTall}>
      {(at, name) => <Cell path={at} label={name} nesting={nesting + 1} />}
    </PairList>
  );
}

const isTall = (v: Json): boolean => v.kind === "object" || v.kind === "array";

function ListRows({ path, label, nesting }: { path: Path; label: string; nesting: number }) {
  const { value, set, readOnly } = useField(path);
  const list = value?.kind === "array" ? value.items : [];
  if (list.length > maxRows)
    return (
      <TooLarge
        text={value ? stringify(value) : ""}
        what={`This list has ${list.length.toLocaleString("en")} elements.`}
      />
    );
  return (
    <div class="rows">
      {list.map((v, i) => (
        <div class={`pair element${isTall(v) ? " tall" : ""}`} key={i}>
          <span class="number muted">{i + 1}</span>
          <Cell path={[...path, i]} label={`${label}, element ${i + 1}`} nesting={nesting + 1} />
          <RowButtons
            what={`element ${i + 1}`}
            at={i}
            count={list.length}
            readOnly={readOnly}
            onMove={(to) => set(arr(...moved(list, i, to)))}
            onRemove={() => set(arr(...list.filter((_, j) => j !== i)))}
          />
        </div>
      ))}
      {list.length === 0 && <p class="hint">This list is empty.</p>}
      <AddButton
        onClick={() =>
          set(arr(...list, list.length ? fresh[list[list.length - 1]!.kind](undefined) : str("")))
        }>
        Add element
      </AddButton>
    </div>
  );
}

/** A value in a row, with what is wrong with it. */
export function Cell({
  path,
  label,
  nesting = 1,
  kinds,
  placeholder,
}: {
  path: Path;
  label: string;
  nesting?: number;
  kinds?: readonly Kind[];
  placeholder?: string;
}) {
  const { error } = useField(path);
  return (
    <div class="cell" data-path={JSON.stringify(path)}>
      <AnyControl
        path={path}
        label={label}
        nesting={nesting}
        kinds={kinds}
        placeholder={placeholder}
        ids={error ? { "aria-invalid": true } : undefined}
      />
      {error && <p class="field-error">{visible(error)}</p>}
    </div>
  );
}
