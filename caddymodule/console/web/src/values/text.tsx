// Long texts: a part at once, more on demand.
import { useState } from "preact/hooks";
import { Button } from "../ui/controls";
import { bytes, visible } from "../ui/text";
import { cut } from "./tree";

const firstPart = 6000;
const step = 60_000;

/** A text of any length, as it is. Pages stay quick: a part is shown at first. */
export function Text({ text, label, first = firstPart }: { text: string; label: string; first?: number }) {
  const [shown, setShown] = useState(first);
  const rest = text.length - shown;
  return (
    <div class="long-text">
      <pre class="text" tabIndex={0} aria-label={label}>
        {visible(rest > 0 ? cut(text, shown) + "…" : text)}
      </pre>
      {rest > 0 && (
        <Button small onClick={() => setShown(shown + step)}>
          Show more ({bytes(rest)} left)
        </Button>
      )}
    </div>
  );
}
