// Which version of the workflow a replay runs.
import type { Revision } from "./actions";

export function RevisionChoice({
  value,
  onValue,
  recorded,
  many,
}: {
  value: Revision;
  onValue: (r: Revision) => void;
  /** The recorded revision, of one execution. */
  recorded?: number;
  many?: boolean;
}) {
  const choice = (r: Revision, title: string, text: string) => (
    <label class="run-choice">
      <input type="radio" name="revision" checked={value === r} onChange={() => onValue(r)} />
      <span>
        <b>{title}</b>
        <span class="hint">{text}</span>
      </span>
    </label>
  );
  return (
    <fieldset class="run-choices">
      <legend>
        {many ? "They run" : "It runs"} for real, with the data of the first time: requests of the nodes are
        sent again.
      </legend>
      {choice(
        "recorded",
        recorded ? `With the recorded revision ${recorded}` : "With the recorded revision",
        many ? "Each as its workflow was when it ran first." : "As the workflow was when it ran first.",
      )}
      {choice(
        "current",
        "With the current revision",
        many ? "Each as its workflow is now: after a fix." : "As the workflow is now: after a fix.",
      )}
    </fieldset>
  );
}
