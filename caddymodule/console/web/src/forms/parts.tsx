// The parts that all fields are made of.
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { Path } from "../templates/path";
import { Button, Field, IconButton, TextInput } from "../ui/controls";
import { Icon, type IconName } from "../ui/icons";
import { line, visible } from "../ui/text";
import { useForm } from "./context";
import { begins, fieldPath, reasonsAt } from "./problems";

interface FrameProps {
  path: Path;
  label: string;
  hint?: ComponentChildren;
  required?: boolean;
  aside?: ComponentChildren;
  /** Also shows what is wrong inside the value: for fields that have no fields of their own there. */
  whole?: boolean;
  /** What is wrong with what is typed, before the server says so. */
  error?: string;
  children: Parameters<typeof Field>[0]["children"];
}

/** A labeled field of the form: what is wrong with it is shown at it, and can put the focus there. */
export function Frame({ path, label, hint, required, aside, whole, error, children }: FrameProps) {
  const form = useForm();
  const reasons = reasonsAt(form.problems, path, whole).map((r) => line(r, 400));
  return (
    <div class="form-field" data-path={fieldPath(path)}>
      <Field
        label={visible(label)}
        hint={hint}
        required={required}
        aside={aside}
        error={error ?? (reasons.length ? reasons.slice(0, 5).join("; ") : undefined)}>
        {children}
      </Field>
    </div>
  );
}

/** A group of fields that has a label of its own. */
export function Group({
  path,
  label,
  hint,
  aside,
  required,
  children,
}: {
  path: Path;
  label: string;
  hint?: ComponentChildren;
  aside?: ComponentChildren;
  required?: boolean;
  children: ComponentChildren;
}) {
  const form = useForm();
  const id = useId();
  const reasons = reasonsAt(form.problems, path);
  return (
    <div class="form-group" role="group" aria-labelledby={id} data-path={fieldPath(path)}>
      <div class="field-head">
        <span class="label" id={id}>
          {visible(label)}
          {required && (
            <span class="required" aria-hidden="true">
              {" "}
              *
            </span>
          )}
        </span>
        {aside}
      </div>
      {reasons.slice(0, 5).map((r, i) => (
        <p key={i} class="field-error">
          <Icon name="warn" size={14} /> {line(r, 400)}
        </p>
      ))}
      {children}
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}

/** A part of the form that can be closed. What is inside is made when it is first opened. */
export function Section({
  title,
  summary,
  open = false,
  paths = [],
  children,
}: {
  title: string;
  /** What is set inside, in a few words. */
  summary?: string;
  open?: boolean;
  /** The places inside: the section is open when something is wrong there. */
  paths?: readonly Path[];
  children: ComponentChildren;
}) {
  const form = useForm();
  const troubled = paths.some((path) => form.problems.list.some((p) => begins(p.path, path)));
  const [made, setMade] = useState(open);
  const [shown, setShown] = useState(open);
  return (
    <details
      class="form-section"
      open={shown || troubled}
      onToggle={(e) => {
        const now = e.currentTarget.open;
        if (now) setMade(true);
        setShown(now);
      }}>
      <summary>
        <Icon name="right" size={16} />
        <span>{title}</span>
        {summary && <span class="muted cut">{visible(summary)}</span>}
      </summary>
      {(made || troubled) && <div class="form-section-body">{children}</div>}
    </details>
  );
}

/** The name of a key, for people: followRedirects is "Follow redirects". */
export function labelOf(key: string): string {
  const words = key
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim();
  if (!words) return key || "(empty name)";
  return words[0]!.toUpperCase() + words.slice(1).replace(/ [A-Z](?=[a-z])/g, (w) => w.toLowerCase());
}

/** A small button that does something with a field. */
export function FieldButton({
  icon,
  children,
  onClick,
}: {
  icon?: IconName;
  children: string;
  onClick: () => void;
}) {
  return (
    <button type="button" class="field-button" onClick={onClick}>
      {icon && <Icon name={icon} size={14} />}
      {children}
    </button>
  );
}

/** The buttons of a row in a list. */
export function RowButtons({
  what,
  at,
  count,
  readOnly,
  onMove,
  onRemove,
  removable = true,
}: {
  /** What the row is, with its number: "condition 2". */
  what: string;
  at: number;
  count: number;
  readOnly: boolean;
  onMove?: (to: number) => void;
  onRemove: () => void;
  removable?: boolean;
}) {
  if (readOnly) return null;
  return (
    <span class="row-buttons">
      {onMove && count > 1 && (
        <>
          <IconButton
            icon="up"
            small
            label={`Move ${what} up`}
            disabled={at === 0}
            onClick={() => onMove(at - 1)}
          />
          <IconButton
            icon="down"
            small
            label={`Move ${what} down`}
            disabled={at === count - 1}
            onClick={() => onMove(at + 1)}
          />
        </>
      )}
      <IconButton icon="trash" small label={`Remove ${what}`} disabled={!removable} onClick={onRemove} />
    </span>
  );
}

/** A button that adds a row. */
export function AddButton({ children, onClick }: { children: string; onClick: () => void }) {
  const { readOnly } = useForm();
  return readOnly ? null : (
    <div>
      <Button small icon="plus" onClick={onClick}>
        {children}
      </Button>
    </div>
  );
}

/** Moves an element of a list. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const out = [...list];
  out.splice(to, 0, ...out.splice(from, 1));
  return out;
}

/** The name of a member: it changes only while it is the only one of that name. */
export function KeyInput({
  name,
  taken,
  onName,
  label,
  placeholder,
  readOnly,
}: {
  name: string;
  taken: (name: string) => boolean;
  onName: (name: string) => void;
  label: string;
  placeholder?: string;
  readOnly: boolean;
}) {
  const [draft, setDraft] = useState<string>();
  const id = useId();
  return (
    <span class="key-input">
      <TextInput
        value={draft ?? name}
        class="mono"
        aria-label={label}
        placeholder={placeholder}
        readOnly={readOnly}
        title={visible(name)}
        aria-invalid={draft !== undefined || undefined}
        aria-describedby={draft !== undefined ? id : undefined}
        onValue={(v) => {
          if (v !== name && taken(v)) {
            setDraft(v);
            return;
          }
          setDraft(undefined);
          onName(v);
        }}
        onBlur={() => setDraft(undefined)}
      />
      {draft !== undefined && (
        <span class="field-error" id={id}>
          There is one of this name.
        </span>
      )}
    </span>
  );
}

/** How long a text can be to be edited in a field. */
export const maxFieldText = 20_000;
/** How deep the fields of a schema are nested; deeper values are edited as JSON. */
export const maxNesting = 8;
/** How many rows of a list or an object are shown. */
export const maxRows = 200;

/** What stands in the place of a value that is too large for a field. */
export function TooLarge({ text, what }: { text: string; what: string }) {
  return (
    <div class="too-large">
      <pre class="text" tabIndex={0}>
        {visible(text.slice(0, 600))}…
      </pre>
      <p class="hint">{what} Edit it in the Document tab.</p>
    </div>
  );
}

/** A few ways with an explanation each, of which one is chosen. */
export function Choices<T extends string>({
  path,
  label,
  value,
  options,
  onValue,
}: {
  path: Path;
  label: string;
  value: T;
  options: readonly (readonly [value: T, title: string, about: string])[];
  onValue: (value: T) => void;
}) {
  const { readOnly } = useForm();
  const name = useId();
  const list = options.some(([v]) => v === value)
    ? options
    : [...options, [value, line(value, 60) || "(empty)", "This is none of the choices."] as const];
  return (
    <Group path={path} label={label}>
      <div class="way-list">
        {list.map(([v, title, about]) => (
          <label class="way" key={v}>
            <input
              type="radio"
              name={name}
              checked={v === value}
              disabled={readOnly}
              onChange={() => onValue(v)}
            />
            <span>
              <span class="way-title">{title}</span>
              <span class="hint">{about}</span>
            </span>
          </label>
        ))}
      </div>
    </Group>
  );
}

/** What is wrong with a part of a field. */
export function FieldError({ children }: { children: string }) {
  return (
    <p class="field-error">
      <Icon name="warn" size={14} /> {line(children, 400)}
    </p>
  );
}
export { fieldPath };
