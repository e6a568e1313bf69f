// Sends an event to a workflow, and shows what it does: what went over the wire, beside what each node did.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { canWrite } from "../api/session";
import type { Json } from "../json/lossless";
import { href } from "../router";
import { Button, ButtonLink } from "../ui/controls";
import { say, sayError } from "../ui/dialog";
import { Empty, Note, Skeleton } from "../ui/show";
import { visible } from "../ui/text";
import { Compose } from "./Compose";
import { keyOf, webhookOf, withNewKey } from "./draft";
import { Run } from "./Run";
import { uuid } from "./samples";
import { send, sessionOf, type TrySession } from "./session";
import { Wire } from "./Wire";

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

export function Try({ workflow, document, dirty, onSave }: TryProps) {
  const session = sessionOf(workflow);
  const { sending, sent, error, run } = session.attempt.value;
  const [saving, setSaving] = useState(false);
  const right = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // On narrow pages, what happens is below what was sent.
    const top = right.current?.getBoundingClientRect().top ?? 0;
    if (sending && top > innerHeight / 2)
      right.current?.scrollIntoView({ behavior: "smooth", block: "start" });
  }, [sending]);
  const begin = () => {
    if (canWrite() && !saving) void send(workflow, session);
  };
  const saveFirst = async () => {
    if (!onSave || saving || sending) return;
    setSaving(true);
    try {
      if (await onSave()) void send(workflow, session);
    } catch (e) {
      sayError(e);
    } finally {
      setSaving(false);
    }
  };
  return (
    <div class="try">
      <div class="try-left stack">
        <Compose key={workflow} workflow={workflow} document={document} session={session} onSend={begin} />
        {dirty && (
          <Note tone="warn">Your changes are not saved. What runs is the version that is stored.</Note>
        )}
        {canWrite() ? (
          <div class="row try-send">
            {dirty && onSave && (
              <Button
                look="primary"
                icon="play"
                busy={saving}
                disabled={sending}
                onClick={() => void saveFirst()}
              >
                Save and send
              </Button>
            )}
            <Button
              look={dirty && onSave ? "plain" : "primary"}
              icon="play"
              busy={sending}
              disabled={saving}
              onClick={begin}
              aria-keyshortcuts="Control+Enter"
            >
              {dirty ? "Send to the saved version" : "Send"}
            </Button>
            <span class="hint">Ctrl+Enter. It runs for real.</span>
          </div>
        ) : (
          <Note tone="idle">This console is read-only: it sends nothing.</Note>
        )}
      </div>
      <div class="try-right stack" ref={right}>
        <p class="visually-hidden" role="status">
          {sending ? "Sending" : sent ? `The answer has status ${sent.response.status}.` : ""}
        </p>
        {error && <SendError error={error} workflow={workflow} />}
        {sent?.replayed && <Replayed session={session} document={document} />}
        {sent && (
          <>
            <h2>Over the wire</h2>
            <Wire sent={sent} />
          </>
        )}
        {sent && !sent.executionId && <Note tone="warn">Nothing ran: the response says why.</Note>}
        {run ? (
          <Run key={run.id} watch={run} stored={dirty ? undefined : document} />
        ) : sending ? (
          <div class="card">
            <Skeleton lines={8} />
          </div>
        ) : (
          !sent &&
          !error && (
            <Empty icon="play" title="See what it does">
              <p>
                Send an event: the server signs it as a sender would, and it goes through the webhook's
                handler. Here you see the answer, and what each node did.
              </p>
            </Empty>
          )
        )}
      </div>
    </div>
  );
}

/** Why it could not be sent, and what to do. */
function SendError({ error, workflow }: { error: Error; workflow: string }) {
  const status = error instanceof ApiError ? error.status : -1;
  const link =
    status === 404 ? undefined : status === 409 && /secret/.test(error.message) ? (
      <ButtonLink small icon="key" href={href(["workflows", workflow, "trigger"])}>
        Set a secret
      </ButtonLink>
    ) : status === 0 || status >= 502 ? (
      <ButtonLink small href={href(["executions"], { workflow, source: "console" })}>
        Executions
      </ButtonLink>
    ) : undefined;
  return (
    <Note tone="bad" action={link}>
      {visible(error.message)}
      {status === 404 && ". Save the workflow first."}
    </Note>
  );
}

/** The event was a duplicate: nothing ran. */
function Replayed({ session, document }: { session: TrySession; document?: Json }) {
  const key = keyOf(webhookOf(document));
  const renew = () => {
    const draft = key && withNewKey(session.draft.peek(), key, uuid());
    if (draft) {
      session.draft.value = draft;
      say("The event has a new key. Send it again.");
    } else say("There is no such field in the body. Write one.", { tone: "bad" });
  };
  return (
    <Note
      tone="warn"
      action={
        key && (
          <Button small onClick={renew}>
            Use a new key
          </Button>
        )
      }
    >
      Nothing ran: an event with this idempotency key was sent before. This is its stored response, and its
      execution.
      {key && (
        <>
          {" "}
          The key is{" "}
          {"header" in key ? (
            <>
              the header <code>{visible(key.header)}</code>
            </>
          ) : (
            <>
              the field <code>{visible(key.field)}</code>
            </>
          )}
          .
        </>
      )}
    </Note>
  );
}
