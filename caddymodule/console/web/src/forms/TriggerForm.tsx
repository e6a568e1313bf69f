// The form of the trigger: where webhooks go, who signs them, and what senders get back.
import { useState } from "preact/hooks";
import { webhookUrls } from "../api/endpoints";
import type { Endpoint, WorkflowRow } from "../api/types";
import { get, items, members, obj, str, text } from "../json/lossless";
import { Command } from "../secrets/ShownOnce";
import { curlCommand, sendCommand } from "../secrets/commands";
import { CopyButton } from "../ui/controls";
import { Note } from "../ui/show";
import { visible } from "../ui/text";
import { AnyField } from "./AnyField";
import { useField, useForm } from "./context";
import { NumberControl } from "./inputs";
import { Form, type NodeFormProps } from "./NodeForm";
import { Choices, FieldButton, Frame, Group, Section } from "./parts";
import { NameField } from "./Settings";
import { Idempotency, Response } from "./TriggerResponse";
import { Signature } from "./TriggerSignature";
import { UnknownKeys } from "./UnknownKeys";

export interface TriggerFormProps extends Omit<NodeFormProps, "types"> {
  /** Where the server takes webhooks; undefined = not loaded yet. */
  endpoints?: readonly Endpoint[];
  /** The workflow as it is stored; undefined = it was never stored. */
  row?: WorkflowRow;
}

export function TriggerForm({ endpoints, row, ...props }: TriggerFormProps) {
  const index = items(get(props.document, "nodes")).findIndex((n) => text(get(n, "id")) === props.node);
  if (index < 0) return <Note tone="warn">The workflow has no trigger any more.</Note>;
  return (
    <Form {...props} index={index} key={props.node}>
      <Fields endpoints={endpoints} row={row} />
    </Form>
  );
}

const known = [
  "responseMode",
  "responseNodeId",
  "statusCode",
  "headers",
  "timeout",
  "onTimeout",
  "maxConcurrent",
  "idempotency",
  "signature",
  "secret",
];

function Fields({ endpoints, row }: Pick<TriggerFormProps, "endpoints" | "row">) {
  const form = useForm();
  const { value: config, set } = useField(["config"]);
  const { value: type } = useField(["config", "triggerType"]);
  const webhook = get(config, "webhook");
  const manual = text(type) === "manual";
  const pick = (to: string) => {
    // Settings of the other type would be refused: they go, and come back with undo.
    const rest = [...members(config)].filter(([k]) => !["triggerType", "webhook", "data"].includes(k));
    set(
      obj([
        ["triggerType", str(to)],
        ...(to === "webhook" ? [["webhook", obj({ responseMode: str("minimal") })] as const] : []),
        ...rest,
      ]),
    );
  };
  const id = text(get(form.document, "id")) ?? row?.id ?? "";
  return (
    <>
      <NameField />
      <Choices
        path={["config", "triggerType"]}
        label="Starts"
        value={text(type) ?? "webhook"}
        onValue={pick}
        options={[
          ["webhook", "When a webhook arrives", "A sender calls its address with a signed request."],
          ["manual", "By hand", "Only by command or API. Nothing from outside starts it."],
        ]}
      />
      {manual ? (
        <AnyField
          path={["config", "data"]}
          label="Data"
          hint="What {{trigger.data}} is when it is started."
        />
      ) : (
        <>
          <Address endpoints={endpoints} id={id} stored={row !== undefined} />
          <Response />
          <Signature id={id} row={row} />
          <Idempotency />
          <Section
            title="Load"
            summary={webhook && get(webhook, "maxConcurrent") ? "limited" : "the server's limits"}
            paths={[["config", "webhook", "maxConcurrent"]]}>
            <Frame
              path={["config", "webhook", "maxConcurrent"]}
              label="Executions at a time"
              hint="Beyond that, senders wait a moment and then get 429.">
              {(ids) => (
                <NumberControl
                  path={["config", "webhook", "maxConcurrent"]}
                  ids={ids}
                  integer
                  minimum={1}
                  maximum={100_000}
                  optional
                  placeholder="No limit of its own"
                />
              )}
            </Frame>
          </Section>
          <Sending endpoints={endpoints} id={id} />
          <UnknownKeys path={["config", "webhook"]} known={known} />
          {get(webhook, "secret") && (
            <Group path={["config", "webhook", "secret"]} label="Secret in the document">
              <Note
                tone="warn"
                action={
                  form.readOnly ? undefined : (
                    <FieldButton onClick={() => form.change(["config", "webhook", "secret"], undefined)}>
                      Remove
                    </FieldButton>
                  )
                }>
                The document has a secret. When it is saved, the server takes it out and keeps it with the
                secrets.
              </Note>
            </Group>
          )}
        </>
      )}
      <UnknownKeys path={["config"]} known={["triggerType", "webhook", "data"]} />
    </>
  );
}

/** The addresses that senders call. */
function Address({
  endpoints,
  id,
  stored,
}: {
  endpoints?: readonly Endpoint[];
  id: string;
  stored: boolean;
}) {
  const [all, setAll] = useState(false);
  const urls = webhookUrls(endpoints ?? [], id);
  const shown = all ? urls : urls.slice(0, 1);
  return (
    <Group
      path={["address"]}
      label="Address"
      hint={stored || urls.length === 0 ? undefined : "It takes webhooks when the workflow is saved."}>
      {!endpoints ? (
        <div class="url-row">
          <span class="muted">Loading…</span>
        </div>
      ) : urls.length === 0 ? (
        <Note tone="warn">
          No site of this server takes webhooks: its Caddyfile has no site with <code>flowtrux</code>.
        </Note>
      ) : (
        shown.map((url) => (
          <div class="url-row" key={url}>
            <span class="tag">POST</span>
            <code class="wrap">{visible(url)}</code>
            <CopyButton text={url} label="Copy the address" />
          </div>
        ))
      )}
      {urls.length > 1 && (
        <FieldButton onClick={() => setAll(!all)}>
          {all ? "Show one" : `Show ${urls.length - 1} more`}
        </FieldButton>
      )}
    </Group>
  );
}

/** Lines for a shell that send a webhook. */
function Sending({ endpoints, id }: { endpoints?: readonly Endpoint[]; id: string }) {
  const { value } = useField(["config", "webhook", "signature", "scheme"]);
  const scheme = text(value) ?? "flowtrux";
  const url = webhookUrls(endpoints ?? [], id)[0] ?? `https://your-site/api/webhooks/${id}`;
  const curl = curlCommand(url, scheme);
  return (
    <Section title="Send one from a shell" summary={curl ? "curl and openssl" : "caddy flowtrux send"}>
      {curl && <Command title="With curl and openssl" text={curl} />}
      <Command
        title="With caddy"
        text={sendCommand(url, scheme)}
        hint={
          scheme === "custom"
            ? "It reads the secret from secret.txt, and how to sign from the document in workflow.json."
            : "It reads the secret from the file secret.txt."
        }
      />
    </Section>
  );
}
