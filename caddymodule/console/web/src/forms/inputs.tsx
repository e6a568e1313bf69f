// The controls for single values, without labels: text, numbers, choices.
import { useEffect, useState } from "preact/hooks";
import { bool, equal, type Json, num, str, stringify, text } from "../json/lossless";
import type { Path } from "../templates/path";
import { pathText } from "../templates/path";
import { TemplateInput } from "../templates/TemplateInput";
import { Select, Switch, TextInput } from "../ui/controls";
import { visible } from "../ui/text";
import { draftOf, keepDraft, useField, useForm } from "./context";
import { isNumber, numberProblem } from "./numbers";
import { maxFieldText, TooLarge } from "./parts";

/** The ids that connect a control to its label and texts. */
export interface Ids {
  id?: string;
  "aria-describedby"?: string;
  "aria-invalid"?: boolean;
  "aria-required"?: boolean;
}

interface TextProps {
  path: Path;
  ids?: Ids;
  label?: string;
  multiline?: boolean;
  placeholder?: string;
  /** An empty text removes the key. */
  optional?: boolean;
  wholeOnly?: boolean;
}

/** A text that may hold templates. */
export function TextControl({ path, ids, label, multiline, placeholder, optional, wholeOnly }: TextProps) {
  const form = useForm();
  const { value, set, readOnly } = useField(path);
  const now = text(value) ?? "";
  if (now.length > maxFieldText)
    return <TooLarge text={now} what={`This text has ${now.length.toLocaleString("en")} characters.`} />;
  return (
    <TemplateInput
      value={now}
      scope={form.scope}
      readOnly={readOnly}
      multiline={multiline}
      placeholder={placeholder}
      wholeOnly={wholeOnly}
      id={ids?.id}
      describedBy={ids?.["aria-describedby"]}
      invalid={ids?.["aria-invalid"]}
      required={ids?.["aria-required"]}
      label={label}
      onValue={(v) => set(v === "" && optional ? undefined : str(v), true)}
    />
  );
}

/** A text without templates. */
export function PlainText({ path, ids, label, placeholder, optional, list }: TextProps & { list?: string }) {
  const { value, set, readOnly } = useField(path);
  const now = text(value) ?? "";
  if (now.length > maxFieldText)
    return <TooLarge text={now} what={`This text has ${now.length.toLocaleString("en")} characters.`} />;
  return (
    <TextInput
      {...ids}
      value={now}
      placeholder={placeholder}
      aria-label={label}
      readOnly={readOnly}
      list={list}
      onValue={(v) => set(v === "" && optional ? undefined : str(v), true)}
    />
  );
}

/**
 * A number with all of its digits. What is not a number yet is kept beside the document, which has the last
 * number.
 */
export function NumberControl({
  path,
  ids,
  label,
  integer,
  minimum,
  maximum,
  optional,
  placeholder,
  onProblem,
}: {
  path: Path;
  ids?: Ids;
  label?: string;
  integer?: boolean;
  minimum?: number;
  maximum?: number;
  optional?: boolean;
  placeholder?: string;
  onProblem?: (problem: string | undefined) => void;
}) {
  const form = useForm();
  const { value, set, readOnly } = useField(path);
  const key = `${form.key}/${pathText(path)}`;
  const [draft, setDraft] = useState(draftOf(key));
  const now = value?.kind === "number" ? value.text : "";
  const shown = draft ?? now;
  const problem = shown === "" ? undefined : numberProblem(shown, { integer, minimum, maximum });
  useEffect(() => onProblem?.(problem), [problem]);
  return (
    <TextInput
      {...ids}
      inputMode={integer ? "numeric" : "decimal"}
      class="number"
      value={shown}
      aria-label={label}
      placeholder={placeholder}
      readOnly={readOnly}
      aria-invalid={problem || ids?.["aria-invalid"] ? true : undefined}
      onValue={(v) => {
        const trimmed = v.trim();
        const good = trimmed === "" ? optional : isNumber(trimmed);
        const kept = good ? undefined : v;
        setDraft(kept);
        keepDraft(key, kept);
        if (good) set(trimmed === "" ? undefined : num(trimmed), true);
      }}
    />
  );
}

/** One of some values. A value that is none of them stays, and is shown. */
export function ChoiceControl({
  path,
  ids,
  label,
  options,
  optional,
  none = "Not set",
}: {
  path: Path;
  ids?: Ids;
  label?: string;
  options: readonly { value: Json; label: string }[];
  optional?: boolean;
  none?: string;
}) {
  const { value, set, readOnly } = useField(path);
  const at = value ? options.findIndex((o) => equal(o.value, value)) : -1;
  const list: [string, string][] = options.map((o, i) => [String(i), visible(o.label)]);
  if (value && at < 0)
    list.unshift(["other", `${visible(stringify(value).slice(0, 60))} (not one of the choices)`]);
  if (optional || !value) list.unshift(["none", none]);
  return (
    <Select
      {...ids}
      aria-label={label}
      disabled={readOnly}
      value={value ? (at < 0 ? "other" : String(at)) : "none"}
      options={list}
      onValue={(v) => {
        if (v !== "other") set(v === "none" ? undefined : options[Number(v)]!.value);
      }}
    />
  );
}

/** Yes or no. The default is what an absent key means: choosing it removes the key. */
export function SwitchControl({
  path,
  label,
  byDefault,
  optional,
}: {
  path: Path;
  label: string;
  byDefault: boolean;
  optional: boolean;
}) {
  const { value, set, readOnly } = useField(path);
  const on = value?.kind === "boolean" ? value.value : byDefault;
  return (
    <Switch
      label={visible(label)}
      checked={on}
      disabled={readOnly}
      onValue={(v) => set(optional && v === byDefault ? undefined : bool(v))}
    />
  );
}
