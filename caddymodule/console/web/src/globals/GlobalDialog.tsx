// The dialog for one global: new, changed, or deleted. When somebody else has changed it meanwhile,
// both values are shown.
import { useMemo, useState } from "preact/hooks";
import { ApiError, apiPath, request } from "../api/client";
import { type Json, parse } from "../json/lossless";
import { Choice, SecretInput } from "../secrets/SecretDialog";
import { Button, Field, TextArea, TextInput } from "../ui/controls";
import { confirm, Dialog, say } from "../ui/dialog";
import { Note } from "../ui/show";
import { line, visible } from "../ui/text";
import {
  editable,
  type Form,
  formOf,
  type Global,
  hiddenIn,
  keyProblem,
  secretPrefix,
  stored,
} from "./values";

interface Props {
  /** The global that is changed; undefined = a new one. */
  global?: Global;
  onClose: () => void;
  onStored: () => void;
}

/** What is stored now, as far as it can be shown. */
interface Theirs {
  revision: number;
  value?: Json;
}

export function GlobalDialog({ global, onClose, onStored }: Props) {
  const [key, setKey] = useState(global?.key ?? "");
  const secret = global?.secret ?? key.startsWith(secretPrefix);
  const before = global && !global.secret ? editable(global.value) : "";
  const [form, setForm] = useState<Form>(global && !global.secret ? formOf(global.value) : "text");
  const [typed, setTyped] = useState(before);
  const [revision, setRevision] = useState(global?.revision ?? 0);
  const [theirs, setTheirs] = useState<Theirs>();
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  const value = stored(secret ? "text" : form, typed);
  const keyError = keyProblem(key);
  const valueError =
    "error" in value ? value.error : secret && typed === "" ? "Type or paste the value." : undefined;
  const changed =
    typed !== before || (global !== undefined && !global.secret && form !== formOf(global.value));

  const hidden = useMemo(() => (secret ? [] : hiddenIn(typed)), [secret, typed]);

  /** Somebody else was faster: looks at what is stored now. */
  const conflict = async () => {
    try {
      const now = await request("GET", apiPath(["globals", key]));
      setTheirs({ revision: now.revision, value: secret ? undefined : parse(now.text) });
    } catch (e) {
      if (!(e instanceof ApiError && e.status === 404)) throw e;
      setTheirs({ revision: 0 });
    }
  };
  const attempt = async (action: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
    } catch (e) {
      if (e instanceof ApiError && e.status === 412) await conflict().catch(failed);
      else failed(e);
    } finally {
      setBusy(false);
    }
  };
  const failed = (e: unknown) => setError(e instanceof Error ? e.message : String(e));
  const done = (text: string) => {
    onStored();
    say(text);
    onClose();
  };
  const store = () => {
    setTried(true);
    if (keyError || valueError || "error" in value) return;
    void attempt(async () => {
      await request("PUT", apiPath(["globals", key]), { body: value.body, ifRevision: revision });
      done(`${line(key, 60)} is stored.`);
    });
  };
  const remove = async () => {
    const yes = await confirm({
      title: `Delete ${line(key, 60)}?`,
      action: "Delete",
      danger: true,
      text: "Templates that name it give nothing afterwards: {{global." + line(key, 60) + "}}.",
    });
    if (yes)
      await attempt(async () => {
        await request("DELETE", apiPath(["globals", key]), { ifRevision: revision });
        done(`${line(key, 60)} is deleted.`);
      });
  };

  return (
    <Dialog title={global ? line(global.key, 80) : "New global"} keep={changed} onClose={onClose}>
      <form
        class="stack"
        noValidate
        onSubmit={(e) => {
          e.preventDefault();
          store();
        }}
      >
        {!global && (
          <Field
            label="Key"
            required
            error={tried ? keyError : undefined}
            hint={
              secret
                ? "Its value is never shown, and workflows cannot write it."
                : `Templates read it as {{global.${line(key, 40) || "key"}}}. ` +
                  `A key that begins with ${secretPrefix} has a value that is never shown.`
            }
          >
            {(ids) => (
              <TextInput {...ids} class="mono" value={key} onValue={setKey} autoFocus placeholder="crm_url" />
            )}
          </Field>
        )}
        {secret ? (
          <Field
            label={global ? "New value" : "Value"}
            required
            error={tried ? valueError : undefined}
            hint={
              global ? "What is stored is never shown: it can only be replaced." : "It is stored as a text."
            }
          >
            {(ids) => <SecretInput {...ids} value={typed} onValue={setTyped} />}
          </Field>
        ) : (
          <>
            <div class="option-cards" role="radiogroup" aria-label="The value is">
              <Choice
                name="form"
                checked={form === "text"}
                onPick={() => setForm("text")}
                title="Text"
                text="stored as it is"
              />
              <Choice
                name="form"
                checked={form === "json"}
                onPick={() => setForm("json")}
                title="JSON"
                text="a number, yes or no, a list, an object"
              />
            </div>
            <Field
              label="Value"
              error={tried || typed !== "" ? valueError : undefined}
              hint={
                hidden.length > 0
                  ? `It has characters that are not shown: ${hidden.join(", ")}.`
                  : form === "text"
                    ? "It is stored as a text, without the need for quotes."
                    : "Numbers keep all their digits."
              }
            >
              {(ids) => <TextArea {...ids} rows={8} value={typed} onValue={setTyped} />}
            </Field>
          </>
        )}
        {theirs && (
          <Conflict
            theirs={theirs}
            secret={secret}
            onTake={() => {
              setRevision(theirs.revision);
              setTheirs(undefined);
            }}
            onLoad={() => {
              setRevision(theirs.revision);
              setTyped(theirs.value ? editable(theirs.value) : "");
              if (theirs.value) setForm(formOf(theirs.value));
              setTheirs(undefined);
            }}
          />
        )}
        {error && <Note tone="bad">{visible(error)}</Note>}
        <footer class="row between">
          {global ? (
            <Button look="danger" icon="trash" disabled={busy} onClick={() => void remove()}>
              Delete
            </Button>
          ) : (
            <span />
          )}
          <span class="row">
            <Button onClick={onClose}>Cancel</Button>
            <Button
              type="submit"
              look="primary"
              busy={busy}
              disabled={
                theirs !== undefined || (global !== undefined && !changed && revision === global.revision)
              }
            >
              Store
            </Button>
          </span>
        </footer>
      </form>
    </Dialog>
  );
}

/** The longest part of a value that is shown beside one's own. */
const maxShown = 20_000;

function Conflict({
  theirs,
  secret,
  onTake,
  onLoad,
}: {
  theirs: Theirs;
  secret: boolean;
  onTake: () => void;
  onLoad: () => void;
}) {
  const text = theirs.value && editable(theirs.value);
  return (
    <div class="conflict" role="alert">
      <p>
        <strong>
          {theirs.revision === 0
            ? "Somebody else has deleted this global meanwhile."
            : "Somebody else has changed this global meanwhile."}
        </strong>{" "}
        {theirs.revision === 0 ? "Storing makes it anew." : "Yours is above. Nothing is stored yet."}
      </p>
      {text !== undefined && (
        <>
          <span class="label">What is stored now ({theirs.value?.kind === "string" ? "text" : "JSON"})</span>
          <pre class="text" tabIndex={0}>
            {visible(text.slice(0, maxShown))}
            {text.length > maxShown && "…"}
          </pre>
        </>
      )}
      <div class="row">
        <Button small onClick={onTake}>
          Keep mine
        </Button>
        {theirs.revision > 0 && !secret && (
          <Button small onClick={onLoad}>
            Take theirs
          </Button>
        )}
      </div>
    </div>
  );
}
