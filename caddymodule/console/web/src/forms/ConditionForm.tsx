// The form of a condition, which reads like a sentence.
import type { ComponentChildren } from "preact";
import { arr, get, items, type Json, obj, str, text } from "../json/lossless";
import type { Path } from "../templates/path";
import { Select } from "../ui/controls";
import { Cell } from "./AnyField";
import { useField } from "./context";
import { OperatorSelect } from "./OperatorSelect";
import { takesList, takesRight, withOperator } from "./operators";
import { AddButton, FieldError, fieldPath, Group, maxRows, moved, RowButtons, TooLarge } from "./parts";
import { UnknownKeys } from "./UnknownKeys";

const list: Path = ["config", "conditions"];

export function ConditionForm() {
  const { value, set, readOnly } = useField(list);
  const { value: match, set: setMatch } = useField(["config", "match"]);
  const rows = items(value);
  const all = text(match) !== "any";
  if (value && value.kind !== "array") return <UnknownKeys path={["config"]} known={[]} />;
  if (rows.length > maxRows) return <TooLarge text="" what={`There are ${rows.length} conditions.`} />;
  return (
    <Group path={list} label="Condition">
      <p class="sentence" data-path={fieldPath(["config", "match"])}>
        <span>True when</span>
        <Select
          aria-label="How many of the conditions"
          disabled={readOnly || rows.length < 2}
          value={all ? "all" : "any"}
          onValue={(v) => setMatch(v === "all" ? undefined : str(v))}
          options={[
            ["all", "all of these are"],
            ["any", "at least one of these is"],
          ]}
        />
        <span>true:</span>
      </p>
      <ol class="conditions">
        {rows.map((row, i) => (
          <li key={i}>
            {i > 0 && <span class="join">{all ? "and" : "or"}</span>}
            <Condition
              path={[...list, i]}
              value={row}
              number={i + 1}
              buttons={
                <RowButtons
                  what={`condition ${i + 1}`}
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
      <AddButton
        onClick={() => set(arr(...rows, obj({ left: str(""), operator: str("equals"), right: str("") })))}>
        Add condition
      </AddButton>
      <p class="hint">
        The edge <strong>true</strong> is followed then, and the edge <strong>false</strong> otherwise.
      </p>
      <UnknownKeys path={["config"]} known={["conditions", "match"]} />
    </Group>
  );
}

function Condition({
  path,
  value,
  number,
  buttons,
}: {
  path: Path;
  value: Json;
  number: number;
  buttons: ComponentChildren;
}) {
  const { set, readOnly, error } = useField(path);
  const operator = text(get(value, "operator")) ?? "";
  const pick = (to: string) => set(withOperator(value, to));
  return (
    <div class="condition" data-path={fieldPath(path)}>
      <div class="condition-head">
        <span class="number muted">{number}</span>
        {buttons}
      </div>
      {error && <FieldError>{error}</FieldError>}
      <Cell
        path={[...path, "left"]}
        label={`Value of condition ${number}`}
        placeholder="{{trigger.data.total}}"
      />
      <div data-path={fieldPath([...path, "operator"])}>
        <OperatorSelect
          label={`Operator of condition ${number}`}
          value={operator}
          readOnly={readOnly}
          onValue={pick}
        />
        <PathError path={[...path, "operator"]} />
      </div>
      {(takesRight(operator) || get(value, "right") !== undefined) && (
        <Cell
          path={[...path, "right"]}
          label={`Compared with, in condition ${number}`}
          placeholder={takesList(operator) ? "a list, or a text" : "100"}
        />
      )}
      <UnknownKeys path={path} known={["left", "operator", "right"]} />
    </div>
  );
}

function PathError({ path }: { path: Path }) {
  const { error } = useField(path);
  return error ? <FieldError>{error}</FieldError> : null;
}
