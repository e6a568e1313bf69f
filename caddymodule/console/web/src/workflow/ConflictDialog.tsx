// Somebody else has stored or deleted the workflow while it was edited here.
import { useState } from "preact/hooks";
import { DiffView } from "../editor/DiffView";
import type { Base, Draft } from "../flow/drafts";
import { Button } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Badge } from "../ui/show";

interface ConflictProps {
  draft: Draft;
  /** What is stored now; revision 0 = it was deleted. */
  theirs: Base;
  /** Stores the draft on top of theirs. */
  onKeepMine: () => Promise<void>;
  onTakeTheirs: () => void;
  onClose: () => void;
}

export function ConflictDialog({ draft, theirs, onKeepMine, onTakeTheirs, onClose }: ConflictProps) {
  const [busy, setBusy] = useState(false);
  const deleted = theirs.revision === 0;
  const keep = async () => {
    setBusy(true);
    try {
      await onKeepMine();
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog
      wide={!deleted}
      keep
      title={deleted ? "The workflow was deleted meanwhile" : "The workflow was saved by somebody else"}
      onClose={onClose}
    >
      {deleted ? (
        <p>
          What you have here is still complete. Create the workflow again with it, or discard it. A new one
          needs a secret again.
        </p>
      ) : (
        <>
          <div class="row">
            <Badge state="stale" word={`stored: revision ${theirs.revision}`} />
            <Badge state="pending" word={`yours: made from revision ${draft.base.revision}`} />
          </div>
          <DiffView before={theirs.text} after={draft.text} beforeName="theirs" afterName="yours" />
          <p class="muted small">
            Taking theirs can be undone here. Keeping yours replaces theirs for everybody.
          </p>
        </>
      )}
      <footer class="row end">
        <Button onClick={onClose}>Go on editing</Button>
        <Button look="danger" onClick={onTakeTheirs}>
          {deleted ? "Discard mine" : "Take theirs"}
        </Button>
        <Button look="primary" busy={busy} onClick={() => void keep()}>
          {deleted ? "Create it again" : "Keep mine, and save"}
        </Button>
      </footer>
    </Dialog>
  );
}
