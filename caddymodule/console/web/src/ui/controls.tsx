// Buttons, fields and what else a form is made of.
import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

interface ButtonProps extends Omit<JSX.HTMLAttributes<HTMLButtonElement>, "icon"> {
  icon?: IconName;
  /** "primary" is what one comes to a screen for: at most one of them. "danger" destroys something. */
  look?: "primary" | "danger" | "plain" | "quiet";
  /**
   * The action runs: the button keeps its size and takes no clicks. A button that has this begins one
   * action with a double click: the first click may have ended its own before the second comes.
   */
  busy?: boolean;
  disabled?: boolean;
  small?: boolean;
  type?: "button" | "submit";
  children?: ComponentChildren;
}

export function Button({
  icon,
  look = "plain",
  busy,
  small,
  children,
  type = "button",
  disabled,
  onClick,
  ...rest
}: ButtonProps) {
  const click: typeof onClick = (e) => {
    if (busy !== undefined && e.detail > 1) e.preventDefault();
    else onClick?.(e);
  };
  return (
    <button
      {...rest}
      type={type}
      onClick={click}
      class={`button ${look}${small ? " small" : ""}`}
      aria-busy={busy}
      disabled={disabled || busy}
    >
      {icon && <Icon name={icon} size={small ? 16 : 18} />}
      {children !== undefined && <span>{children}</span>}
    </button>
  );
}

/** A button that shows only an icon; label is its name, and its tip. */
export function IconButton({
  icon,
  label,
  ...rest
}: { icon: IconName; label: string } & Omit<ButtonProps, "children">) {
  return <Button {...rest} icon={icon} look={rest.look ?? "quiet"} aria-label={label} title={label} />;
}

/** A link that looks like a button. */
export function ButtonLink(props: {
  href: string;
  icon?: IconName;
  look?: ButtonProps["look"];
  small?: boolean;
  children: ComponentChildren;
}) {
  return (
    <a class={`button ${props.look ?? "plain"}${props.small ? " small" : ""}`} href={props.href}>
      {props.icon && <Icon name={props.icon} size={props.small ? 16 : 18} />}
      <span>{props.children}</span>
    </a>
  );
}

interface FieldProps {
  label: string;
  /** What the value means, below the field. */
  hint?: ComponentChildren;
  error?: string;
  required?: boolean;
  /** Gets the ids that connect the control to its label and texts. */
  children: (ids: {
    id: string;
    "aria-describedby"?: string;
    "aria-invalid"?: boolean;
    "aria-required"?: boolean;
  }) => ComponentChildren;
  /** What stands at the right end of the label's line. */
  aside?: ComponentChildren;
}

/** A labeled control with its hint and its error. */
export function Field({ label, hint, error, required, children, aside }: FieldProps) {
  const id = useId();
  const about = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div class="field">
      <div class="field-head">
        <label for={id}>
          {label}
          {required && (
            <span class="required" aria-hidden="true">
              {" "}
              *
            </span>
          )}
        </label>
        {aside}
      </div>
      {children({
        id,
        "aria-describedby": about || undefined,
        "aria-invalid": error ? true : undefined,
        "aria-required": required || undefined,
      })}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          <Icon name="warn" size={14} /> {error}
        </p>
      )}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

type InputProps = Omit<JSX.InputHTMLAttributes<HTMLInputElement>, "onInput" | "value"> & {
  value: string;
  onValue: (value: string) => void;
};

export function TextInput({ value, onValue, class: name, ...rest }: InputProps) {
  return (
    <input
      type="text"
      autocomplete="off"
      spellcheck={false}
      {...rest}
      class={`input ${(name as string | undefined) ?? ""}`}
      value={value}
      onInput={(e) => onValue(e.currentTarget.value)}
    />
  );
}

type AreaProps = Omit<JSX.TextareaHTMLAttributes<HTMLTextAreaElement>, "onInput" | "value"> & {
  value: string;
  onValue: (value: string) => void;
};

export function TextArea({ value, onValue, ...rest }: AreaProps) {
  return (
    <textarea
      spellcheck={false}
      {...rest}
      class="input area"
      value={value}
      onInput={(e) => onValue(e.currentTarget.value)}
    />
  );
}

type SelectProps<T extends string> = Omit<
  JSX.SelectHTMLAttributes<HTMLSelectElement>,
  "onChange" | "value"
> & {
  value: T;
  onValue: (value: T) => void;
  options: readonly (readonly [value: T, label: string])[];
};

export function Select<T extends string>({ value, onValue, options, ...rest }: SelectProps<T>) {
  return (
    <select
      {...rest}
      class="input select"
      value={value}
      onChange={(e) => onValue(e.currentTarget.value as T)}
    >
      {options.map(([v, label]) => (
        <option key={v} value={v}>
          {label}
        </option>
      ))}
    </select>
  );
}

export function Switch({
  label,
  checked,
  onValue,
  disabled,
}: {
  label: string;
  checked: boolean;
  onValue: (checked: boolean) => void;
  disabled?: boolean;
}) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        role="switch"
        checked={checked}
        disabled={disabled}
        onChange={(e) => onValue(e.currentTarget.checked)}
      />
      <span class="track" aria-hidden="true" />
      <span>{label}</span>
    </label>
  );
}

/** Copies text, and says so for a moment. */
export function CopyButton({
  text,
  label = "Copy",
  small = true,
}: {
  text: string | (() => string);
  label?: string;
  small?: boolean;
}) {
  const [copied, setCopied] = useState<"" | "Copied" | "Select and copy it by hand">("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      setCopied("Copied");
    } catch {
      setCopied("Select and copy it by hand"); // no clipboard on plain http
    }
    setTimeout(() => setCopied(""), 2000);
  };
  return (
    <span class="copy">
      <Button
        icon={copied === "Copied" ? "check" : "copy"}
        look="quiet"
        small={small}
        onClick={() => void copy()}
        aria-label={label}
        title={label}
      />
      <span role="status" class={copied ? "tip" : "visually-hidden"}>
        {copied}
      </span>
    </span>
  );
}

/** Tabs that are places: each has an address. */
export function TabLinks({
  label,
  tabs,
}: {
  label: string;
  tabs: readonly { href: string; text: ComponentChildren; current: boolean }[];
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map((t) => (
        <a key={t.href} href={t.href} aria-current={t.current ? "page" : undefined}>
          {t.text}
        </a>
      ))}
    </nav>
  );
}
