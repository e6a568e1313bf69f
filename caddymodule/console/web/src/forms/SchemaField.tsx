// A field of the form of a JSON Schema: whatever node type has it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { arr, type Json, obj, stringify, text } from "../json/lossless";
import { hasTemplate } from "../templates/parse";
import type { Path } from "../templates/path";
import { visible } from "../ui/text";
import { AnyField } from "./AnyField";
import { useField } from "./context";
import { ChoiceControl, NumberControl, TextControl } from "./inputs";
import { JsonControl } from "./JsonField";
import { Inside, ListFields, ObjectFields } from "./ObjectFields";
import { AddButton, FieldButton, Frame, Group, labelOf, maxNesting } from "./parts";
import { describe, type Described, initial, type Schema, variantOf } from "./schema";
import { SwitchField } from "./SwitchField";

export interface SchemaFieldProps {
  path: Path;
  schema: Schema;
  root: Schema;
  /** The key, which is the label unless the schema has a title. */
  name: string;
  required: boolean;
  /** What the node type says the value is when the key is absent. */
  byDefault?: Json;
  /** The value cannot be a template: the node is prepared with it. */
  fixed?: boolean;
  nesting?: number;
}

export function SchemaField(props: SchemaFieldProps) {
  const { path, schema, root, name, required, nesting = 0 } = props;
  const { value, set, readOnly } = useField(path);
  const [templating, setTemplating] = useState(false);
  const d = describe(schema, root);
  const label = d.title ?? labelOf(name);
  const byDefault = props.byDefault ?? d.default;
  const hint = hintOf(d, byDefault);
  const { shape } = d;

  if (shape.kind === "any") {
    return (
      <AnyField
        path={path}
        label={label}
        hint={hint}
        required={required}
        kinds={shape.kinds}
        placeholder={placeholderOf(byDefault)}
      />
    );
  }
  if (shape.kind === "text" && (value === undefined || value.kind === "string")) {
    return (
      <Frame path={path} label={label} hint={hint} required={required}>
        {(ids) => (
          <TextControl
            path={path}
            ids={ids}
            multiline={shape.multiline}
            optional={!required}
            placeholder={placeholderOf(byDefault) ?? shape.examples[0]}
          />
        )}
      </Frame>
    );
  }
  // In place of any other value there can be one template.
  const isText = value?.kind === "string";
  const isChoice = shape.kind === "choice" && shape.options.some((o) => o.value.kind === "string");
  const asTemplate =
    templating || (isText && shape.kind !== "variants" && (!isChoice || hasTemplate(text(value)!)));
  const toggle =
    props.fixed || readOnly || shape.kind === "variants" ? undefined : (
      <FieldButton
        onClick={() => {
          if (asTemplate && isText) set(required ? initial(schema, root) : undefined);
          setTemplating(!asTemplate);
        }}>
        {asTemplate ? "Use a value" : "Use a template"}
      </FieldButton>
    );
  if (asTemplate) {
    return (
      <Frame path={path} label={label} hint={hint} required={required} aside={toggle}>
        {(ids) => (
          <TextControl path={path} ids={ids} optional={!required} wholeOnly placeholder="{{ … }}" />
        )}
      </Frame>
    );
  }
  if (!fits(d, value) || nesting >= maxNesting) {
    return (
      <Group
        path={path}
        label={label}
        required={required}
        hint={value && !fits(d, value) ? "The value is of another kind than this field takes." : hint}
        aside={
          value && !fits(d, value) && !readOnly ? (
            <FieldButton onClick={() => set(required ? initial(schema, root) : undefined)}>
              Start over
            </FieldButton>
          ) : undefined
        }>
        <JsonControl path={path} label={`${label}, JSON`} optional={!required} />
      </Group>
    );
  }
  switch (shape.kind) {
    case "number":
      return <NumberField {...props} label={label} hint={hint} byDefault={byDefault} aside={toggle} d={d} />;
    case "boolean":
      if (required || byDefault?.kind === "boolean") {
        return (
          <SwitchField
            path={path}
            label={label}
            hint={hint}
            aside={toggle}
            byDefault={byDefault?.kind === "boolean" && byDefault.value}
            optional={!required}
          />
        );
      }
      return (
        <Frame path={path} label={label} hint={hint} aside={toggle}>
          {(ids) => <ChoiceControl path={path} ids={ids} options={yesNo} optional />}
        </Frame>
      );
    case "choice":
      return (
        <Frame
          path={path}
          label={label}
          hint={hint}
          required={required}
          aside={shape.options.length === 1 ? undefined : toggle}>
          {(ids) => (
            <ChoiceControl
              path={path}
              ids={ids}
              options={shape.options}
              optional={!required}
              none={byDefault ? `Default: ${short(byDefault)}` : "Not set"}
            />
          )}
        </Frame>
      );
    case "variants":
      return <VariantField {...props} label={label} hint={hint} variants={shape.variants} />;
    case "object":
    case "list":
      if (value === undefined) {
        return (
          <Group path={path} label={label} hint={hint} required={required} aside={toggle}>
            <AddButton onClick={() => set(started(d, schema, root))}>
              {shape.kind === "list" ? "Add element" : "Add"}
            </AddButton>
          </Group>
        );
      }
      return (
        <Group
          path={path}
          label={label}
          hint={hint}
          required={required}
          aside={
            <span class="row">
              {toggle}
              {!required && !readOnly && <FieldButton onClick={() => set(undefined)}>Clear</FieldButton>}
            </span>
          }>
          {shape.kind === "object" ? (
            <div class="nested-form">
              <ObjectFields path={path} schema={schema} root={root} nesting={nesting + 1} />
            </div>
          ) : (
            <ListFields path={path} schema={schema} root={root} label={label} nesting={nesting + 1} />
          )}
        </Group>
      );
    case "text":
      return null; // above
  }
}

const yesNo = [
  { value: { kind: "boolean", value: true }, label: "Yes" },
  { value: { kind: "boolean", value: false }, label: "No" },
] as const;

/** The value that an absent list or object begins with: with one row to fill in. */
function started(d: Described, schema: Schema, root: Schema): Json {
  const v = initial(schema, root);
  if (d.shape.kind === "list" && v.kind === "array" && v.items.length === 0)
    return arr(initial(d.shape.prefix[0] ?? d.shape.items, root));
  if (d.shape.kind === "object" && d.shape.fields.length === 0 && d.shape.rest !== undefined)
    return obj([["", initial(d.shape.rest, root)]]);
  return v;
}

function fits(d: Described, value: Json | undefined): boolean {
  if (!value) return true;
  switch (d.shape.kind) {
    case "number":
      return value.kind === "number";
    case "boolean":
      return value.kind === "boolean";
    case "object":
      return value.kind === "object";
    case "list":
      return value.kind === "array";
    case "text":
      return value.kind === "string";
    default:
      return true;
  }
}

const short = (v: Json): string => {
  const s = v.kind === "string" ? v.value : stringify(v);
  return visible(s.length > 40 ? s.slice(0, 39) + "…" : s);
};
const placeholderOf = (v: Json | undefined): string | undefined =>
  v && v.kind !== "object" && v.kind !== "array" ? short(v) || undefined : undefined;

function hintOf(d: Described, byDefault: Json | undefined): string | undefined {
  const parts: string[] = [];
  if (d.description) parts.push(visible(d.description.slice(0, 600)));
  const { shape } = d;
  if (shape.kind === "number") {
    const { minimum: low, maximum: high } = shape;
    if (low !== undefined && high !== undefined) parts.push(`From ${low} to ${high}.`);
    else if (low !== undefined) parts.push(`At least ${low}.`);
    else if (high !== undefined) parts.push(`At most ${high}.`);
  }
  if (shape.kind === "text") {
    if (shape.format) parts.push(`Format: ${visible(shape.format.slice(0, 60))}.`);
    else if (shape.pattern && !d.description) parts.push(`Pattern: ${visible(shape.pattern.slice(0, 100))}`);
    if (shape.maxLength !== undefined && shape.maxLength <= 1000)
      parts.push(`At most ${shape.maxLength} characters.`);
  }
  if (byDefault && (byDefault.kind === "object" || byDefault.kind === "array"))
    parts.push(`Default: ${short(byDefault)}`);
  return parts.length ? parts.join(" ") : undefined;
}

function NumberField({
  path,
  required,
  label,
  hint,
  aside,
  byDefault,
  d,
}: SchemaFieldProps & {
  label: string;
  hint?: string;
  aside: ComponentChildren;
  d: Described;
}) {
  const [problem, setProblem] = useState<string>();
  const shape = d.shape as Extract<Described["shape"], { kind: "number" }>;
  return (
    <Frame path={path} label={label} hint={hint} required={required} aside={aside} error={problem}>
      {(ids) => (
        <NumberControl
          path={path}
          ids={ids}
          integer={shape.integer}
          minimum={shape.minimum}
          maximum={shape.maximum}
          optional={!required}
          placeholder={placeholderOf(byDefault)}
          onProblem={setProblem}
        />
      )}
    </Frame>
  );
}

function VariantField({
  path,
  root,
  name,
  required,
  label,
  hint,
  variants,
  nesting = 0,
}: SchemaFieldProps & {
  label: string;
  hint?: string;
  variants: readonly { label: string; schema: Schema }[];
}) {
  const { value, set, readOnly } = useField(path);
  const [chosen, setChosen] = useState<number>();
  const found = variantOf(variants, value, root);
  const at = chosen ?? found;
  const current = variants[at] ?? variants[0]!;
  return (
    <Group path={path} label={label} hint={hint} required={required}>
      <select
        class="input select"
        aria-label={`Form of ${label}`}
        disabled={readOnly}
        value={value ? String(at) : ""}
        onChange={(e) => {
          const v = e.currentTarget.value;
          setChosen(v === "" ? undefined : Number(v));
          set(v === "" ? undefined : initial(variants[Number(v)]!.schema, root), false);
        }}>
        {(!required || !value) && <option value="">Not set</option>}
        {variants.map((v, i) => (
          <option key={i} value={String(i)}>
            {visible(v.label)}
          </option>
        ))}
      </select>
      {value && (
        <div class="nested-form">
          <Inside path={path} schema={current.schema} root={root} name={name} nesting={nesting + 1} />
        </div>
      )}
    </Group>
  );
}
