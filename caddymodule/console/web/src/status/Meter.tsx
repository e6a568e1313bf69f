// How much of a limit is used.
import type { ComponentChildren } from "preact";

interface MeterProps {
  label: string;
  value: number;
  /** 0 = there is none: then there is only the number. */
  limit: number;
  /** Writes a number. */
  text: (n: number) => string;
  /** What else there is to say. */
  children?: ComponentChildren;
}

/** A bar from 0 to the limit. It turns to a warning at nine tenths. */
export function Meter({ label, value, limit, text, children }: MeterProps) {
  const part = limit > 0 ? Math.min(1, value / limit) : 0;
  const full = part >= 0.9;
  return (
    <div class={`meter${full ? " full" : ""}`}>
      <div class="row between">
        <span class="label">{label}</span>
        <span class="number">
          {text(value)}
          {limit > 0 && <span class="muted"> of {text(limit)}</span>}
          {full && <strong class="tone-warn"> nearly full</strong>}
        </span>
      </div>
      {limit > 0 && (
        <div
          class="meter-track"
          role="meter"
          aria-label={label}
          aria-valuemin={0}
          aria-valuemax={limit}
          aria-valuenow={Math.min(value, limit)}
          aria-valuetext={`${text(value)} of ${text(limit)}`}
        >
          <div style={{ width: `${part === 0 ? 0 : Math.max(1, 100 * part)}%` }} />
        </div>
      )}
      {children && <p class="hint">{children}</p>}
    </div>
  );
}
