// The dialog for the secrets of one workflow: set, generate and show once, rotate, delete. A secret
// is in memory only while the dialog is open.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, apiPath, getJson, request } from "../api/client";
import { type Data, useData } from "../api/data";
import { canWrite } from "../api/session";
import type { SecretRow } from "../api/types";
import { Button, Field, Select, TextInput } from "../ui/controls";
import { confirm, Dialog, say } from "../ui/dialog";
import { LoadError, Note } from "../ui/show";
import { line, plural } from "../ui/text";
import { Expiries } from "./expiry";
import { aboutScheme, newSecret, secretDoubt, secretProblem } from "./schemes";
import { ShownOnce } from "./ShownOnce";

export interface SecretDialogProps {
  /** The id of the workflow; there may be none. */
  workflow: string;
  /** The signature scheme; "" = flowtrux. */
  scheme: string;
  /** The revision of what is stored now; 0 = nothing. */
  revision: number;
  /** How many secrets are live. */
  live: number;
  onClose: () => void;
  /** Called when a secret was stored or deleted. The dialog stays until onClose: it may show the new one. */
  onStored: () => void;
}

/** How long the old secrets stay valid. */
const overlaps = [
  ["1h", "1 hour"],
  ["24h", "24 hours"],
  ["168h", "7 days"],
  ["720h", "30 days"],
  ["0", "Not at all"],
] as const;
type Overlap = (typeof overlaps)[number][0];

/** Loads what is stored for a workflow. There may be nothing. */
async function load(workflow: string, signal: AbortSignal): Promise<{ row?: SecretRow }> {
  try {
    return { row: await getJson<SecretRow>(apiPath(["secrets", workflow]), signal) };
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return {};
    throw e;
  }
}

/** What is stored for a workflow: no row when that is nothing. */
export function useStoredSecret(workflow: string): Data<{ row?: SecretRow }> {
  return useData(
    `secret:${workflow}`,
    (signal) => load(workflow, signal),
    (e) => e.kind === "secret" && e.secret.id === workflow,
  );
}

export function SecretDialog({ workflow, scheme, revision, live, onClose, onStored }: SecretDialogProps) {
  const stored = useStoredSecret(workflow);
  const now = stored.value ? (stored.value.row?.live ?? 0) : live;
  const at = stored.value ? (stored.value.row?.revision ?? 0) : revision;
  const about = aboutScheme(scheme);
  const [way, setWay] = useState<"generate" | "type">(about.given ? "type" : "generate");
  const [value, setValue] = useState("");
  const [keep, setKeep] = useState<Overlap>("24h");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();
  const [generated, setGenerated] = useState<string>();
  const open = useRef(true);
  useEffect(
    () => () => {
      open.current = false;
    },
    [],
  );

  const name = line(workflow, 64);
  if (generated !== undefined) {
    return (
      <Dialog title={`The new secret of ${name}`} keep onClose={onClose}>
        <ShownOnce secret={generated} workflow={workflow} scheme={scheme} />
        <footer>
          <Button look="primary" onClick={onClose}>
            Done
          </Button>
        </footer>
      </Dialog>
    );
  }

  const store = async () => {
    const secret = way === "generate" ? newSecret(scheme) : value;
    const problem = secretProblem(scheme, secret);
    setError(problem);
    if (problem) return;
    setBusy(true);
    try {
      const path = apiPath(["secrets", workflow], { keep_old: now > 0 && keep !== "0" ? keep : undefined });
      await request("PUT", path, { body: JSON.stringify({ secrets: [{ value: secret }] }), ifRevision: at });
      onStored();
      if (way === "generate") {
        if (open.current) setGenerated(secret);
        return;
      }
      say(`The secret of ${name} is stored.`);
      onClose();
    } catch (e) {
      failed(e);
    } finally {
      setBusy(false);
    }
  };
  const failed = (e: unknown) => {
    if (e instanceof ApiError && e.status === 412) {
      setError(
        "Somebody else has changed the secrets meanwhile. " +
          "This dialog shows them as they are now: look at them, and try again.",
      );
      stored.reload();
    } else setError(e instanceof Error ? e.message : String(e));
  };
  const remove = async () => {
    const yes = await confirm({
      title: `Delete ${now > 1 ? "all secrets" : "the secret"} of ${name}?`,
      action: "Delete",
      danger: true,
      text: "The workflow refuses all its webhooks with 401 until there is a new secret.",
    });
    if (!yes) return;
    setBusy(true);
    try {
      await request("DELETE", apiPath(["secrets", workflow]), { ifRevision: at });
      onStored();
      say(`The secrets of ${name} are deleted.`);
      onClose();
    } catch (e) {
      failed(e);
    } finally {
      setBusy(false);
    }
  };

  const write = canWrite();
  const doubt = way === "type" ? secretDoubt(value) : undefined;
  return (
    <Dialog title={`Secrets of ${name}`} keep={value !== ""} onClose={onClose}>
      <p class="muted">
        Webhooks are signed with a secret{scheme ? <>, the way of {about.name}</> : null}. Nobody can read it
        once it is stored.
      </p>
      <LoadError error={stored.error} retry={stored.reload} />
      <div class="secret-now">
        {stored.value?.row ? (
          <Expiries row={stored.value.row} />
        ) : now > 0 ? (
          plural(now, "secret")
        ) : (
          "No secret is stored: all webhooks are refused."
        )}
      </div>
      {!write ? (
        <Note tone="idle">The console is read-only: secrets cannot be changed here.</Note>
      ) : (
        <form
          class="stack"
          onSubmit={(e) => {
            e.preventDefault();
            void store();
          }}
        >
          <div class="option-cards" role="radiogroup" aria-label="New secret">
            <Choice
              name="way"
              checked={way === "generate"}
              onPick={() => {
                setWay("generate");
                setError(undefined);
              }}
              title="Generate"
              text="32 random bytes, shown once"
            />
            <Choice
              name="way"
              checked={way === "type"}
              onPick={() => {
                setWay("type");
                setError(undefined);
              }}
              title="Enter"
              text="one that the sender shows"
            />
          </div>
          {way === "type" && (
            <Field label="Secret" error={error} hint={doubt ?? about.where}>
              {(ids) => (
                <SecretInput
                  {...ids}
                  value={value}
                  onValue={(v) => {
                    setValue(v);
                    setError(undefined);
                  }}
                />
              )}
            </Field>
          )}
          {now > 0 && (
            <Field
              label={now > 1 ? "The old secrets stay valid for" : "The old secret stays valid for"}
              hint={
                keep === "0"
                  ? "Senders that still use it are refused at once."
                  : "Change it at all senders within that time."
              }
            >
              {(ids) => <Select {...ids} value={keep} onValue={setKeep} options={overlaps} />}
            </Field>
          )}
          {way === "generate" && error && <Note tone="bad">{error}</Note>}
          <footer class="row between">
            {at > 0 ? (
              <Button look="danger" icon="trash" disabled={busy} onClick={() => void remove()}>
                Delete
              </Button>
            ) : (
              <span />
            )}
            <span class="row">
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" look="primary" busy={busy} disabled={!stored.value && !stored.error}>
                {way === "generate" ? "Generate and store" : now > 0 ? "Replace" : "Store"}
              </Button>
            </span>
          </footer>
        </form>
      )}
    </Dialog>
  );
}

/** One of a few ways, as a card. */
export function Choice(props: {
  name: string;
  checked: boolean;
  onPick: () => void;
  title: string;
  text: string;
}) {
  return (
    <label class="option-card">
      <input type="radio" name={props.name} checked={props.checked} onChange={props.onPick} />
      <span>
        <strong>{props.title}</strong>
        <span class="hint">{props.text}</span>
      </span>
    </label>
  );
}

/**
 * A field whose text is hidden until it is asked for. It is not of the type password: browsers
 * would offer to keep it.
 */
export function SecretInput({
  value,
  onValue,
  ...ids
}: {
  id: string;
  value: string;
  onValue: (value: string) => void;
}) {
  const [shown, setShown] = useState(false);
  return (
    <div class="secret-input">
      <TextInput
        {...ids}
        class={`mono${shown ? "" : " concealed"}`}
        value={value}
        onValue={onValue}
        autocapitalize="off"
      />
      <Button
        icon="eye"
        look="quiet"
        aria-pressed={shown}
        aria-label="Show the text"
        title="Show the text"
        onClick={() => setShown(!shown)}
      />
    </div>
  );
}
