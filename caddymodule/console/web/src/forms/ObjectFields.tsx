// The fields of an object or a list of a JSON Schema.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { arr, type Json, members, stringify } from "../json/lossless";
import type { Path } from "../templates/path";
import { Button, TextInput } from "../ui/controls";
import { plural } from "../ui/text";
import { AnyField, Cell } from "./AnyField";
import { useField, useForm } from "./context";
import { PairList } from "./PairList";
import { AddButton, labelOf, maxNesting, maxRows, moved, RowButtons, Section, TooLarge } from "./parts";
import { begins } from "./problems";
import { describe, initial, type ObjectField, type Schema } from "./schema";
import { SchemaField } from "./SchemaField";
import { UnknownKeys } from "./UnknownKeys";

/**
 * Above so many fields, those that are not set are behind a heading of their own, and all can be searched.
 */
const manyFields = 16;
/** How many fields are made at once. */
const maxFields = 250;

/** The field of a value that already has its label: the fields of an object, or one field. */
export function Inside({
  path,
  schema,
  root,
  name,
  nesting,
}: {
  path: Path;
  schema: Schema;
  root: Schema;
  name: string;
  nesting: number;
}) {
  const { value } = useField(path);
  const d = describe(schema, root);
  if (
    d.shape.kind === "object" &&
    d.shape.fields.length > 0 &&
    value?.kind === "object" &&
    nesting < maxNesting
  ) {
    return <ObjectFields path={path} schema={schema} root={root} nesting={nesting} />;
  }
  return <SchemaField path={path} schema={schema} root={root} name={name} required nesting={nesting} />;
}

interface NestedProps {
  path: Path;
  schema: Schema;
  root: Schema;
  nesting: number;
}

/** The fields of an object. Keys that the schema does not know stay, and are shown. */
export function ObjectFields({
  path,
  schema,
  root,
  nesting,
  defaults,
  fixed,
}: NestedProps & {
  defaults?: ReadonlyMap<string, Json>;
  fixed?: ReadonlySet<string>;
}) {
  const form = useForm();
  const { value } = useField(path);
  const [search, setSearch] = useState("");
  const { shape } = describe(schema, root);
  if (shape.kind !== "object") return <AnyField path={path} label="Value" />;
  const own = members(value);
  const known = new Set(shape.fields.map((f) => f.name));
  const others = [...own.keys()].filter((k) => !known.has(k));
  const field = (f: ObjectField) => (
    <SchemaField
      key={f.name}
      path={[...path, f.name]}
      schema={f.schema}
      root={root}
      name={f.name}
      required={f.required}
      nesting={nesting}
      byDefault={defaults?.get(f.name)}
      fixed={fixed?.has(f.name)}
    />
  );
  const many = shape.fields.length > manyFields;
  const wanted = search.trim().toLowerCase();
  const first = (f: ObjectField) =>
    f.required || own.has(f.name) || form.problems.list.some((p) => begins(p.path, [...path, f.name]));
  const found = (f: ObjectField) =>
    `${f.name} ${describe(f.schema, root).title ?? ""} ${labelOf(f.name)}`.toLowerCase().includes(wanted);
  const ahead = many ? shape.fields.filter(wanted ? found : first) : shape.fields;
  const behind = many && !wanted ? shape.fields.filter((f) => !first(f)) : [];
  return (
    <>
      {many && (
        <label class="field-search">
          <span class="visually-hidden">Search the {shape.fields.length} settings</span>
          <TextInput
            type="search"
            value={search}
            onValue={setSearch}
            placeholder={`Search ${shape.fields.length} settings`}
          />
        </label>
      )}
      {ahead.slice(0, maxFields).map(field)}
      {wanted && ahead.length === 0 && <p class="hint">No setting is named like this.</p>}
      {behind.length > 0 && (
        <Section title={`${plural(behind.length, "more setting")}`} summary="not set">
          <Batch fields={behind} field={field} />
        </Section>
      )}
      {shape.rest !== undefined && shape.rest !== false ? (
        <MapRows
          path={path}
          schema={shape.rest}
          root={root}
          nesting={nesting}
          skip={known}
          alone={shape.fields.length === 0}
        />
      ) : (
        <UnknownKeys path={path} known={[...known]} />
      )}
      {shape.fields.length === 0 && shape.rest === undefined && others.length === 0 && (
        <p class="hint">There is nothing to set.</p>
      )}
    </>
  );
}

/** Many fields, made a part at a time. */
function Batch({
  fields,
  field,
}: {
  fields: readonly ObjectField[];
  field: (f: ObjectField) => ComponentChildren;
}) {
  const [shown, setShown] = useState(60);
  return (
    <>
      {fields.slice(0, shown).map(field)}
      {fields.length > shown && (
        <div>
          <Button small onClick={() => setShown(shown + 60)}>
            Show more
          </Button>
        </div>
      )}
    </>
  );
}

/** The members of an object whose keys are free. */
function MapRows({
  path,
  schema,
  root,
  nesting,
  skip,
  alone,
}: NestedProps & { skip: ReadonlySet<string>; alone: boolean }) {
  const simple = isSimple(schema, root);
  return (
    <PairList
      path={path}
      what="entry"
      skip={skip}
      add={alone ? "Add entry" : "Add another key"}
      fresh={() => initial(schema, root)}
      tall={() => !simple}>
      {(at, name) =>
        simple ? (
          <Cell path={at} label={name} kinds={kindsOf(schema, root)} />
        ) : (
          <div class="cell">
            <Inside path={at} schema={schema} root={root} name={name} nesting={nesting + 1} />
          </div>
        )
      }
    </PairList>
  );
}

function isSimple(schema: Schema, root: Schema): boolean {
  const { kind } = describe(schema, root).shape;
  return kind === "any" || kind === "text";
}

function kindsOf(schema: Schema, root: Schema): readonly Json["kind"][] | undefined {
  const { shape } = describe(schema, root);
  return shape.kind === "any" ? shape.kinds : shape.kind === "text" ? ["string"] : undefined;
}

export function ListFields({ path, schema, root, label, nesting }: NestedProps & { label: string }) {
  const { value, set, readOnly } = useField(path);
  const { shape } = describe(schema, root);
  const list = value?.kind === "array" ? value.items : [];
  if (shape.kind !== "list") return null;
  if (list.length > maxRows)
    return (
      <TooLarge
        text={value ? stringify(value) : ""}
        what={`This list has ${list.length.toLocaleString("en")} elements.`}
      />
    );
  return (
    <div class="rows">
      {list.map((v, i) => {
        const item = shape.prefix[i] ?? shape.items;
        const simple = isSimple(item, root) && v.kind !== "object";
        const buttons = (
          <RowButtons
            what={`element ${i + 1}`}
            at={i}
            count={list.length}
            readOnly={readOnly}
            removable={list.length > shape.min}
            onMove={shape.prefix.length ? undefined : (to) => set(arr(...moved(list, i, to)))}
            onRemove={() => set(arr(...list.filter((_, j) => j !== i)))}
          />
        );
        return simple ? (
          <div class="pair element" key={i}>
            <span class="number muted">{i + 1}</span>
            <Cell path={[...path, i]} label={`${label}, element ${i + 1}`} kinds={kindsOf(item, root)} />
            {buttons}
          </div>
        ) : (
          <div class="item-card" key={i} data-path={JSON.stringify([...path, i])}>
            <div class="item-head">
              <span class="label">
                {label} {i + 1}
              </span>
              {buttons}
            </div>
            <Inside
              path={[...path, i]}
              schema={item}
              root={root}
              name={`Element ${i + 1}`}
              nesting={nesting + 1}
            />
          </div>
        );
      })}
      {list.length < shape.max && (
        <AddButton
          onClick={() =>
            set(
              arr(
                ...list,
                list.length < shape.prefix.length || list.length === 0
                  ? initial(shape.prefix[list.length] ?? shape.items, root)
                  : initial(shape.items, root),
              ),
            )
          }>
          Add element
        </AddButton>
      )}
      {list.length === 0 && <p class="hint">This list is empty.</p>}
    </div>
  );
}
