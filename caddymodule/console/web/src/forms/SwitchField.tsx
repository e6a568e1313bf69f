import type { ComponentChildren } from "preact";
import type { Path } from "../templates/path";
import { line } from "../ui/text";
import { useField } from "./context";
import { SwitchControl, TextControl } from "./inputs";
import { FieldButton, Frame } from "./parts";

/** Yes or no, with the label beside the switch. A template can stand in its place. */
export function SwitchField({
  path,
  label,
  hint,
  byDefault,
  optional = true,
  aside,
}: {
  path: Path;
  label: string;
  hint?: string;
  byDefault: boolean;
  optional?: boolean;
  aside?: ComponentChildren;
}) {
  const { value, set, error, readOnly } = useField(path);
  if (value && value.kind !== "boolean") {
    return (
      <Frame
        path={path}
        label={label}
        hint={hint}
        aside={readOnly ? undefined : <FieldButton onClick={() => set(undefined)}>Use a switch</FieldButton>}>
        {(ids) => <TextControl path={path} ids={ids} optional wholeOnly />}
      </Frame>
    );
  }
  return (
    <div class="switch-field" data-path={JSON.stringify(path)}>
      <div class="field-head">
        <SwitchControl path={path} label={label} byDefault={byDefault} optional={optional} />
        {aside}
      </div>
      {error && <p class="field-error">{line(error, 300)}</p>}
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}
