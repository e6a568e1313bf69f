import { Select } from "../ui/controls";
import { line } from "../ui/text";
import { operators } from "./operators";

/** Which operator compares two values. One that is unknown stays, and is shown. */
export function OperatorSelect({
  value,
  onValue,
  label,
  readOnly,
  invalid,
}: {
  value: string;
  onValue: (operator: string) => void;
  label: string;
  readOnly: boolean;
  invalid?: boolean;
}) {
  const known = operators.some(([o]) => o === value);
  return (
    <Select
      aria-label={label}
      aria-invalid={invalid || undefined}
      disabled={readOnly}
      value={value}
      onValue={onValue}
      options={
        known ? operators : [[value, value ? `${line(value, 40)} (unknown)` : "choose…"], ...operators]
      }
    />
  );
}
