// The members of an object as rows: name, value, buttons.
import type { ComponentChildren } from "preact";
import { type Json, members, obj, stringify } from "../json/lossless";
import type { Path } from "../templates/path";
import { useField } from "./context";
import { AddButton, KeyInput, maxRows, RowButtons, TooLarge } from "./parts";

export interface PairListProps {
  path: Path;
  /** What a row is: "header". */
  what: string;
  namePlaceholder?: string;
  /** The keys that have fields of their own. */
  skip?: ReadonlySet<string>;
  /** The value of a new row. */
  fresh: () => Json;
  /** The object is removed with its last row. */
  optional?: boolean;
  add?: string;
  /** The value of a row needs the full width. */
  tall?: (value: Json) => boolean;
  children: (path: Path, label: string) => ComponentChildren;
}

export function PairList({
  path,
  what,
  namePlaceholder = "name",
  skip,
  fresh,
  optional,
  add = `Add ${what}`,
  tall,
  children,
}: PairListProps) {
  const { value, set, readOnly } = useField(path);
  const own = members(value);
  const rows = [...own].filter(([key]) => !skip?.has(key));
  if (rows.length > maxRows)
    return (
      <TooLarge text={stringify(obj(rows))} what={`There are ${rows.length.toLocaleString("en")} rows.`} />
    );
  const rename = (from: string, to: string) =>
    set(obj([...own].map(([k, v]) => [k === from ? to : k, v] as const)), true);
  const remove = (key: string) =>
    set(optional && own.size === 1 ? undefined : obj([...own].filter(([k]) => k !== key)));
  return (
    <div class="rows">
      {rows.map(([key, v], i) => {
        const name = key || `${what} ${i + 1}`;
        return (
          <div class={`pair${tall?.(v) ? " tall" : ""}`} key={i}>
            <KeyInput
              name={key}
              label={`Name of ${what} ${i + 1}`}
              placeholder={namePlaceholder}
              readOnly={readOnly}
              taken={(k) => own.has(k)}
              onName={(to) => rename(key, to)}
            />
            {children([...path, key], name)}
            <RowButtons
              what={name}
              at={i}
              count={rows.length}
              readOnly={readOnly}
              onRemove={() => remove(key)}
            />
          </div>
        );
      })}
      <AddButton
        onClick={() => {
          if (!own.has("")) set(obj([...own, ["", fresh()] as const]));
        }}>
        {add}
      </AddButton>
    </div>
  );
}
