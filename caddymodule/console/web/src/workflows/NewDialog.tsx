// A new workflow, or a copy of one: its name, id, response and signature. Its secret is shown once.
import { useState } from "preact/hooks";
import { ApiError, apiPath, request } from "../api/client";
import type { Problem, ResponseMode, StoredWorkflow, WorkflowRow } from "../api/types";
import { href, navigate } from "../router";
import { Choice, SecretInput } from "../secrets/SecretDialog";
import { aboutScheme, newSecret, schemes, secretDoubt, secretProblem } from "../secrets/schemes";
import { ShownOnce } from "../secrets/ShownOnce";
import { Button, ButtonLink, Field, Select, TextInput } from "../ui/controls";
import { Dialog, say } from "../ui/dialog";
import { Note, Problems } from "../ui/show";
import { line, visible } from "../ui/text";
import { duplicateOf, freeId, newDocument, suggestId, validId } from "./documents";
import { nameOf } from "./state";

const modes: readonly (readonly [ResponseMode, string, string])[] = [
  ["lastNode", "The result", "when the last node has ended: its output"],
  ["minimal", "At once", "an execution id; the nodes run afterwards"],
  ["allNodes", "All results", "when all nodes have ended: every output"],
];

/** Schemes that need no more settings. */
const choices = schemes.filter((s) => s !== "custom").map((s) => [s as string, aboutScheme(s).name] as const);

interface NewDialogProps {
  taken: ReadonlySet<string>;
  /** The workflow that is copied. */
  from?: { row: WorkflowRow; text: string };
  onClose: () => void;
  onStored: () => void;
}

export function NewDialog({ taken, from, onClose, onStored }: NewDialogProps) {
  const [name, setName] = useState(from ? `${nameOf(from.row)} copy` : "");
  const [ownId, setOwnId] = useState<string>();
  const [mode, setMode] = useState<ResponseMode>("lastNode");
  const [scheme, setScheme] = useState<string>(from?.row.scheme ?? "flowtrux");
  const [given, setGiven] = useState("");
  const [busy, setBusy] = useState(false);
  const [tried, setTried] = useState(false);
  const [error, setError] = useState<{ text: string; problems: Problem[] }>();
  const [refusedId, setRefusedId] = useState<string>();
  const [made, setMade] = useState<{ id: string; secret: string }>();

  const suggested = suggestId(name);
  const id = ownId ?? (suggested && freeId(suggested, taken));
  const about = aboutScheme(scheme);
  const manual = from?.row.trigger === "manual";
  const nameError = name.trim() === "" ? "Give it a name." : undefined;
  const idError =
    id === ""
      ? "Give it an id."
      : !validId(id)
        ? "An id has letters, digits, - and _ only, at most 64, and begins with a letter or digit."
        : taken.has(id) || id === refusedId
          ? "There is a workflow with this id already."
          : undefined;
  const givenError = about.given && given !== "" ? secretProblem(scheme, given) : undefined;

  const store = async () => {
    setTried(true);
    if (nameError || idError || givenError) return;
    setBusy(true);
    setError(undefined);
    const secret = manual ? undefined : about.given ? given || undefined : newSecret(scheme);
    const title = name.trim();
    try {
      const body = from
        ? duplicateOf(from.text, { id, name: title, secret })
        : newDocument({ id, name: title, mode, scheme, secret });
      const { text } = await request("PUT", apiPath(["workflows", id]), { body, ifRevision: 0 });
      onStored();
      const stored = JSON.parse(text) as StoredWorkflow;
      if (secret !== undefined && !about.given && stored.secretMoved) {
        setMade({ id, secret });
        return;
      }
      say(
        secret !== undefined && !stored.secretMoved
          ? `${line(title, 60)} is stored. It uses the secret that its id had already.`
          : `${line(title, 60)} is stored.`,
      );
      onClose();
      navigate(href(["workflows", id]));
    } catch (e) {
      if (e instanceof ApiError && e.status === 412) setRefusedId(id);
      else
        setError({
          text: e instanceof Error ? e.message : String(e),
          problems: e instanceof ApiError ? e.problems : [],
        });
    } finally {
      setBusy(false);
    }
  };

  if (made) {
    return (
      <Dialog title={`${line(name, 60)} is stored`} keep onClose={onClose}>
        <ShownOnce secret={made.secret} workflow={made.id} scheme={scheme} />
        <footer>
          <Button onClick={onClose}>Close</Button>
          <ButtonLink look="primary" icon="edit" href={href(["workflows", made.id])}>
            Open the editor
          </ButtonLink>
        </footer>
      </Dialog>
    );
  }
  return (
    <Dialog
      title={from ? `Duplicate ${line(nameOf(from.row), 60)}` : "New workflow"}
      keep={name !== "" && !from}
      onClose={onClose}
    >
      <form
        class="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          void store();
        }}
      >
        <Field label="Name" required error={tried ? nameError : undefined}>
          {(ids) => (
            <TextInput
              {...ids}
              value={name}
              onValue={setName}
              maxLength={200}
              autoFocus
              placeholder="Order intake"
            />
          )}
        </Field>
        <Field
          label="Id"
          required
          error={tried || ownId !== undefined || id === refusedId ? idError : undefined}
          hint="It is in the address of its webhook, and cannot be changed later."
        >
          {(ids) => (
            <TextInput
              {...ids}
              class="mono"
              value={id}
              onValue={setOwnId}
              maxLength={64}
              placeholder="order-intake"
            />
          )}
        </Field>
        {!from && (
          <fieldset class="plain-set">
            <legend class="label">The sender gets</legend>
            <div class="option-cards">
              {modes.map(([value, title, text]) => (
                <Choice
                  key={value}
                  name="mode"
                  checked={mode === value}
                  onPick={() => setMode(value)}
                  title={title}
                  text={text}
                />
              ))}
            </div>
          </fieldset>
        )}
        {!from && (
          <Field
            label="Signed by"
            hint={about.given ? about.where : "A secret is generated, and shown once."}
          >
            {(ids) => <Select {...ids} value={scheme} onValue={setScheme} options={choices} />}
          </Field>
        )}
        {!manual && about.given && (
          <Field
            label={`Secret that ${about.name} shows`}
            error={givenError}
            hint={secretDoubt(given) ?? "It can be set later. Until then, webhooks are refused."}
          >
            {(ids) => <SecretInput {...ids} value={given} onValue={setGiven} />}
          </Field>
        )}
        {from && !manual && !about.given && (
          <p class="muted small">The copy gets a secret of its own, which is shown once.</p>
        )}
        {error && (
          <Note tone="bad">
            {visible(error.text)}
            {error.problems.length > 0 && <Problems list={error.problems} />}
          </Note>
        )}
        <footer class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" busy={busy}>
            {from ? "Duplicate" : "Create"}
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
