import type { Json } from "../json/lossless";

export interface TryProps {
  /** The workflow's id. */
  workflow: string;
  /** Its stored document. */
  document?: Json;
  /** The editor has changes that are not saved: what is tried is the stored version. */
  dirty: boolean;
  /** Saves the changes. The promise is true if they are stored now. */
  onSave?: () => Promise<boolean>;
}

/** Sends an event to a workflow, and shows what it does. */
export function Try({ workflow }: TryProps) {
  return <p class="muted">{workflow}</p>;
}
