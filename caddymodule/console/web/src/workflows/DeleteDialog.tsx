// Deleting a workflow: the id has to be typed, since its secret is lost too.
import { useState } from "preact/hooks";
import { ApiError, apiPath, request } from "../api/client";
import type { WorkflowRow } from "../api/types";
import { dropDraft } from "../flow/drafts";
import { Button, Field, TextInput } from "../ui/controls";
import { Dialog, say } from "../ui/dialog";
import { Note } from "../ui/show";
import { line, visible } from "../ui/text";
import { nameOf } from "./state";

export function DeleteDialog({
  row,
  onClose,
  onDeleted,
}: {
  row: WorkflowRow;
  onClose: () => void;
  onDeleted: (id: string) => void;
}) {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const name = line(nameOf(row), 80);
  const remove = async () => {
    if (typed !== row.id) return;
    setBusy(true);
    try {
      await request("DELETE", apiPath(["workflows", row.id]), { ifRevision: row.revision });
    } catch (e) {
      const status = e instanceof ApiError ? e.status : 0;
      const gone =
        status === 404 ||
        (status === 412 && (JSON.parse((e as ApiError).body) as { revision?: number }).revision === 0);
      if (!gone) {
        setBusy(false);
        onDeleted(row.id); // the list shows what is there now
        setError(
          status === 412
            ? "Somebody else has changed this workflow meanwhile. Close this dialog, look at it, and delete it then."
            : e instanceof Error
              ? e.message
              : String(e),
        );
        return;
      }
    }
    dropDraft(row.id);
    onDeleted(row.id);
    say(`${name} is deleted.`);
    onClose();
  };
  return (
    <Dialog title={`Delete ${name}?`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          void remove();
        }}
      >
        <p>
          Its document and its secrets are deleted, and its webhooks are answered with 404. Its executions
          stay until their retention ends. This cannot be undone: download the document first if you may need
          it.
        </p>
        <Field label={`Type ${row.id} to confirm`}>
          {(ids) => <TextInput {...ids} class="mono" value={typed} onValue={setTyped} autoFocus />}
        </Field>
        {error && <Note tone="bad">{visible(error)}</Note>}
        <footer class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="danger" icon="trash" busy={busy} disabled={typed !== row.id}>
            Delete
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
