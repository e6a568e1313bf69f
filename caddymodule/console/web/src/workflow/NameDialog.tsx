// What a workflow is called.
import { useState } from "preact/hooks";
import { Button, Field, TextInput } from "../ui/controls";
import { Dialog } from "../ui/dialog";

export function NameDialog({
  name,
  id,
  onName,
  onClose,
}: {
  name: string;
  id: string;
  onName: (name: string) => void;
  onClose: () => void;
}) {
  const [value, setValue] = useState(name);
  return (
    <Dialog title="Change the name" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          onName(value.trim());
        }}
      >
        <Field label="Name" hint={`Without a name, the workflow is called ${id}. The ID cannot be changed.`}>
          {(ids) => <TextInput {...ids} value={value} onValue={setValue} maxLength={200} autoFocus />}
        </Field>
        <footer class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary">
            Change
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
