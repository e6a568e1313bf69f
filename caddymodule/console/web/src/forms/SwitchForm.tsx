// The form of a switch: one value, and the cases that it may be.
import type { ComponentChildren } from "preact";
import { renameHandle } from "../flow/edits";
import { arr, get, items, type Json, obj, set as setIn, str, text } from "../json/lossless";
import type { Path } from "../templates/path";
import { TextInput } from "../ui/controls";
import { AnyControl, Cell } from "./AnyField";
import { useField, useForm } from "./context";
import { OperatorSelect } from "./OperatorSelect";
import { takesRight, withOperator } from "./operators";
import {
  AddButton,
  FieldError,
  fieldPath,
  Frame,
  Group,
  maxRows,
  moved,
  RowButtons,
  TooLarge,
} from "./parts";
import { UnknownKeys } from "./UnknownKeys";

const list: Path = ["config", "cases"];

export function SwitchForm() {
  const { value, set, readOnly } = useField(list);
  const rows = items(value);
  if (value && value.kind !== "array") return <UnknownKeys path={["config"]} known={[]} />;
  if (rows.length > maxRows) return <TooLarge text="" what={`There are ${rows.length} cases.`} />;
  const names = rows.map((r) => text(get(r, "name")) ?? "");
  const add = () => {
    let n = rows.length + 1;
    while (names.includes(`case${n}`)) n++;
    set(arr(...rows, obj({ name: str(`case${n}`), value: str("") })));
  };
  return (
    <>
      <Frame path={["config", "value"]} label="Look at" required>
        {(ids) => (
          <AnyControl
            path={["config", "value"]}
            ids={ids}
            label="Value to look at"
            placeholder="{{trigger.data.event}}"
          />
        )}
      </Frame>
      <Group
        path={list}
        label="Cases"
        hint="The edge of the first case that fits is followed, or the edge “default”.">
        <ol class="conditions">
          {rows.map((row, i) => (
            <li key={i}>
              <Case
                path={[...list, i]}
                value={row}
                number={i + 1}
                taken={(n) => names.some((have, j) => j !== i && have === n)}
                buttons={
                  <RowButtons
                    what={`case ${names[i] || i + 1}`}
                    at={i}
                    count={rows.length}
                    readOnly={readOnly}
                    removable={rows.length > 1}
                    onMove={(to) => set(arr(...moved(rows, i, to)))}
                    onRemove={() => set(arr(...rows.filter((_, j) => j !== i)))}
                  />
                }
              />
            </li>
          ))}
        </ol>
        <AddButton onClick={add}>Add case</AddButton>
      </Group>
      <UnknownKeys path={["config"]} known={["value", "cases"]} />
    </>
  );
}

function Case({
  path,
  value,
  number,
  taken,
  buttons,
}: {
  path: Path;
  value: Json;
  number: number;
  taken: (name: string) => boolean;
  buttons: ComponentChildren;
}) {
  const form = useForm();
  const { set, readOnly, error } = useField(path);
  const { error: nameError } = useField([...path, "name"]);
  const operator = text(get(value, "operator")) ?? "equals";
  const name = text(get(value, "name")) ?? "";
  // Edges name the case: they follow it, unless another case has the name meanwhile.
  const rename = (to: string) =>
    form.edit((d) => {
      const next = setIn(d, ["nodes", form.index, ...path, "name"], str(to));
      return taken(to) || taken(name) ? next : renameHandle(next, form.node, name, to);
    }, `${form.node}/case ${number}`);
  const pick = (to: string) =>
    set(to === "equals" ? withoutOperator(value) : withOperator(value, to, "value"));
  return (
    <div class="condition" data-path={fieldPath(path)}>
      <div class="condition-head">
        <label class="case-name" data-path={fieldPath([...path, "name"])}>
          <span class="visually-hidden">Name of case {number}</span>
          <TextInput
            value={name}
            placeholder="name"
            maxLength={255}
            readOnly={readOnly}
            onValue={rename}
            aria-invalid={nameError || name === "" || taken(name) ? true : undefined}
          />
        </label>
        {buttons}
      </div>
      {taken(name) && <FieldError>Another case has this name.</FieldError>}
      {(name === "default" || name === "error") && (
        <FieldError>{`“${name}” is the name of another edge.`}</FieldError>
      )}
      {nameError && <FieldError>{nameError}</FieldError>}
      {error && <FieldError>{error}</FieldError>}
      <OperatorSelect
        label={`Operator of case ${name || number}`}
        value={operator}
        readOnly={readOnly}
        onValue={pick}
      />
      {(takesRight(operator) || get(value, "value") !== undefined) && (
        <Cell path={[...path, "value"]} label={`Compared with, in case ${name || number}`} />
      )}
      <UnknownKeys path={path} known={["name", "operator", "value"]} />
    </div>
  );
}

const withoutOperator = (v: Json): Json => {
  const next = withOperator(v, "equals", "value");
  return setIn(next, ["operator"], undefined);
};
