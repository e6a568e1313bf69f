// The form of a transform: a value made of templates, or operations on one.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { arr, get, items, type Json, members, obj, set as setIn, str, text } from "../json/lossless";
import type { Path } from "../templates/path";
import { Select } from "../ui/controls";
import { line } from "../ui/text";
import { AnyControl, AnyField, Cell } from "./AnyField";
import { useField } from "./context";
import { PlainText } from "./inputs";
import {
  AddButton,
  Choices,
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

const list: Path = ["config", "operations"];
type Way = "output" | "operations";

export function TransformForm() {
  const { value, set } = useField(["config"]);
  const has = (key: string) => members(value).has(key);
  const [wanted, setWanted] = useState<Way>();
  const way: Way =
    has("operations") && !has("output") ? "operations" : has("output") ? "output" : (wanted ?? "output");
  const pick = (to: Way) => {
    setWanted(to);
    const rest = [...members(value)].filter(([k]) => !["output", "operations", "input"].includes(k));
    set(
      obj([
        ...rest,
        to === "output"
          ? ["output", get(value, "output") ?? obj([["", str("")]])]
          : ["operations", get(value, "operations") ?? arr(newOperation("set"))],
      ]),
    );
  };
  return (
    <>
      <Choices
        path={["config", "way"]}
        label="What it does"
        value={way}
        onValue={pick}
        options={[
          ["output", "Build a value", "From texts and templates."],
          ["operations", "Change a value", "Set, remove and rename parts of it; the rest stays as it is."],
        ]}
      />
      {way === "output" ? (
        <AnyField path={["config", "output"]} label="Output" required />
      ) : (
        <>
          <AnyField path={["config", "input"]} label="Value to change" placeholder="{{trigger.data}}" />
          <Operations />
        </>
      )}
      <UnknownKeys path={["config"]} known={way === "output" ? ["output"] : ["input", "operations"]} />
    </>
  );
}

type Op = "set" | "delete" | "rename" | "pick" | "setGlobal";
const ops: readonly (readonly [Op, string])[] = [
  ["set", "Set"],
  ["delete", "Remove"],
  ["rename", "Rename"],
  ["pick", "Keep only"],
  ["setGlobal", "Store a global"],
];
/** The keys of each operation, with what a new one has. */
const keysOf: Record<Op, readonly string[]> = {
  set: ["path", "value"],
  delete: ["path"],
  rename: ["path", "to"],
  pick: ["paths"],
  setGlobal: ["key", "value"],
};

function newOperation(op: Op, before?: Json): Json {
  return obj([
    ["op", str(op)],
    ...keysOf[op].map(
      (key) => [key, get(before, key) ?? (key === "paths" ? arr(str("")) : str(""))] as const,
    ),
  ]);
}

function Operations() {
  const { value, set, readOnly } = useField(list);
  const rows = items(value);
  if (rows.length > maxRows) return <TooLarge text="" what={`There are ${rows.length} operations.`} />;
  return (
    <Group path={list} label="Operations" hint="They are done in this order.">
      <ol class="conditions">
        {rows.map((row, i) => (
          <li key={i}>
            <Operation
              path={[...list, i]}
              value={row}
              number={i + 1}
              buttons={
                <RowButtons
                  what={`operation ${i + 1}`}
                  at={i}
                  count={rows.length}
                  readOnly={readOnly}
                  onMove={(to) => set(arr(...moved(rows, i, to)))}
                  onRemove={() => set(arr(...rows.filter((_, j) => j !== i)))}
                />
              }
            />
          </li>
        ))}
      </ol>
      {rows.length === 0 && <p class="hint">Without operations the output is the value itself.</p>}
      <AddButton onClick={() => set(arr(...rows, newOperation("set")))}>Add operation</AddButton>
    </Group>
  );
}

function Operation({
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
  const op = text(get(value, "op")) ?? "";
  const known = ops.some(([o]) => o === op);
  const keys = known ? keysOf[op as Op] : [];
  return (
    <div class="condition" data-path={fieldPath(path)}>
      <div class="condition-head">
        <span class="number muted">{number}</span>
        <span class="grow" data-path={fieldPath([...path, "op"])}>
          <Select
            aria-label={`What operation ${number} does`}
            disabled={readOnly}
            value={op}
            onValue={(o) => set(newOperation(o as Op, value))}
            options={known ? ops : [[op, op ? `${line(op, 40)} (unknown)` : "choose…"], ...ops]}
          />
        </span>
        {buttons}
      </div>
      {error && <FieldError>{error}</FieldError>}
      {keys.includes("path") && (
        <Frame path={[...path, "path"]} label="Path" required>
          {(ids) => <PlainText path={[...path, "path"]} ids={ids} placeholder="customer.name" />}
        </Frame>
      )}
      {keys.includes("to") && (
        <Frame path={[...path, "to"]} label="New name" required>
          {(ids) => <PlainText path={[...path, "to"]} ids={ids} placeholder="orderId" />}
        </Frame>
      )}
      {keys.includes("key") && (
        <Frame
          path={[...path, "key"]}
          label="Key of the global"
          required
          hint="The operator has to allow it with globals_write.">
          {(ids) => <PlainText path={[...path, "key"]} ids={ids} placeholder="last_order" />}
        </Frame>
      )}
      {keys.includes("value") && (
        <Frame path={[...path, "value"]} label="Value" required whole>
          {(ids) => <AnyControl path={[...path, "value"]} ids={ids} label="Value" />}
        </Frame>
      )}
      {keys.includes("paths") && <Paths path={[...path, "paths"]} number={number} />}
      <UnknownKeys path={path} known={["op", ...keys]} />
    </div>
  );
}

function Paths({ path, number }: { path: Path; number: number }) {
  const { value, set, readOnly } = useField(path);
  const rows = items(value);
  if (rows.length > maxRows) return <TooLarge text="" what={`There are ${rows.length} paths.`} />;
  return (
    <Group path={path} label="Paths to keep">
      <div class="rows">
        {rows.map((_, i) => (
          <div class="pair element" key={i}>
            <span class="number muted">{i + 1}</span>
            <Cell
              path={[...path, i]}
              label={`Path ${i + 1} of operation ${number}`}
              kinds={["string"]}
              placeholder="customer.name"
            />
            <RowButtons
              what={`path ${i + 1}`}
              at={i}
              count={rows.length}
              readOnly={readOnly}
              onRemove={() => set(setIn(value, [i], undefined))}
            />
          </div>
        ))}
        <AddButton onClick={() => set(arr(...rows, str("")))}>Add path</AddButton>
      </div>
    </Group>
  );
}
