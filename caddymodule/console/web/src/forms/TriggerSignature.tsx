// Who may send: the signature scheme of a workflow and its secret.
import { useState } from "preact/hooks";
import type { WorkflowRow } from "../api/types";
import { get, obj, str, text } from "../json/lossless";
import { aboutScheme, schemes } from "../secrets/schemes";
import { SecretDialog, useStoredSecret } from "../secrets/SecretDialog";
import type { Path } from "../templates/path";
import { Button, Select } from "../ui/controls";
import { Badge } from "../ui/show";
import { line, plural } from "../ui/text";
import { useField, useForm } from "./context";
import { PlainText } from "./inputs";
import { Frame, Group } from "./parts";
import { UnknownKeys } from "./UnknownKeys";

const at = (...path: Path): Path => ["config", "webhook", "signature", ...path];

const signs: Record<string, string> = {
  flowtrux: "X-Webhook-Signature has the HMAC-SHA256 of the body. It never expires.",
  github: "X-Hub-Signature-256 has the HMAC-SHA256 of the body. It never expires.",
  shopify: "X-Shopify-Hmac-Sha256 has the HMAC-SHA256 of the body. It never expires.",
  stripe: "Stripe-Signature has a time and the HMAC-SHA256 of time and body. It expires after 5 minutes.",
  slack:
    "X-Slack-Signature has the HMAC-SHA256 of time and body. It expires after 5 minutes.",
  "standard-webhooks":
    "Id, time and body are signed: it expires after 5 minutes, and runs once. Take it if you can choose.",
  custom: "You describe the sender's signature below.",
};

export function Signature({ id, row }: { id: string; row?: WorkflowRow }) {
  const { value: settings, set, readOnly } = useField(at());
  const scheme = text(get(settings, "scheme")) ?? "flowtrux";
  const pick = (to: string) =>
    set(
      to === "flowtrux"
        ? undefined
        : to === "custom"
          ? obj({ scheme: str(to), header: str("X-Signature") })
          : obj({ scheme: str(to) }),
    );
  const options = [
    ...schemes.map((s) => [s as string, aboutScheme(s).name] as const),
    ...(schemes.some((s) => s === scheme) ? [] : [[scheme, `${line(scheme, 40)} (unknown)`] as const]),
  ];
  const keys = ["scheme", ...(scheme === "custom" ? customKeys : [])];
  return (
    <>
      <Frame
        path={at("scheme")}
        label="Signed by"
        hint={signs[scheme] ?? "This server does not know this scheme."}>
        {(ids) => <Select {...ids} disabled={readOnly} value={scheme} onValue={pick} options={options} />}
      </Frame>
      {scheme === "custom" && <Custom />}
      <UnknownKeys path={at()} known={keys} />
      <Secret id={id} scheme={scheme} row={row} />
    </>
  );
}

const customKeys = [
  "header",
  "algorithm",
  "encoding",
  "prefix",
  "timestampHeader",
  "timestampFormat",
  "payload",
];

function Word({
  name,
  label,
  options,
}: {
  name: string;
  label: string;
  options: readonly (readonly [string, string])[];
}) {
  const { value, set, readOnly } = useField(at(name));
  const first = options[0]![0];
  const now = text(value) ?? first;
  const list = options.some(([v]) => v === now)
    ? options
    : [...options, [now, `${line(now, 40)} (unknown)`] as const];
  return (
    <Frame path={at(name)} label={label}>
      {(ids) => (
        <Select
          {...ids}
          disabled={readOnly}
          value={now}
          options={list}
          onValue={(v) => set(v === first ? undefined : str(v))}
        />
      )}
    </Frame>
  );
}

/** The signature of a sender that is none of the known ones. */
function Custom() {
  const { value: time } = useField(at("timestampHeader"));
  const { value: payload, set: setPayload } = useField(at("payload"));
  const form = useForm();
  const timed = (text(time) ?? "") !== "";
  const pattern = text(payload);
  const fix =
    timed && !(pattern ?? "").includes("{timestamp}")
      ? "{timestamp}.{body}"
      : !timed && (pattern ?? "").includes("{timestamp}")
        ? undefined
        : null;
  return (
    <div class="nested-form">
      <div class="columns">
        <Frame path={at("header")} label="Header with the signature" required>
          {(ids) => <PlainText path={at("header")} ids={ids} placeholder="X-Acme-Signature" />}
        </Frame>
        <Frame path={at("prefix")} label="Text before it">
          {(ids) => <PlainText path={at("prefix")} ids={ids} optional placeholder="None" />}
        </Frame>
        <Word
          name="algorithm"
          label="Algorithm"
          options={[
            ["sha256", "HMAC-SHA256"],
            ["sha512", "HMAC-SHA512"],
            ["sha1", "HMAC-SHA1"],
          ]}
        />
        <Word
          name="encoding"
          label="Encoding"
          options={[
            ["hex", "Hex"],
            ["base64", "Base64"],
          ]}
        />
        <Frame
          path={at("timestampHeader")}
          label="Header with the time"
          hint="With a time, signatures expire after 5 minutes.">
          {(ids) => <PlainText path={at("timestampHeader")} ids={ids} optional placeholder="None" />}
        </Frame>
        {timed && (
          <Word
            name="timestampFormat"
            label="Form of the time"
            options={[
              ["unix", "Unix seconds"],
              ["unix-ms", "Unix milliseconds"],
              ["rfc3339", "RFC 3339"],
            ]}
          />
        )}
      </div>
      <Frame
        path={at("payload")}
        label="Signed text"
        hint={
          timed
            ? "{body} once, and {timestamp} where the time stands."
            : "{body} once. {timestamp} needs a header with the time."
        }>
        {(ids) => (
          <PlainText
            path={at("payload")}
            ids={ids}
            optional
            placeholder={timed ? "{timestamp}.{body}" : "{body}"}
          />
        )}
      </Frame>
      {fix !== null && !form.readOnly && (
        <p class="field-error">
          {timed
            ? "The signed text has to contain {timestamp}."
            : "Without a header with the time, {timestamp} cannot be signed."}{" "}
          <button
            type="button"
            class="link"
            onClick={() => setPayload(fix === undefined ? undefined : str(fix))}>
            {fix ? `Use ${fix}` : "Use {body}"}
          </button>
        </p>
      )}
    </div>
  );
}

/** Whether the workflow has a secret, and the dialog to change that. */
function Secret({ id, scheme, row }: { id: string; scheme: string; row?: WorkflowRow }) {
  const [open, setOpen] = useState(false);
  const stored = useStoredSecret(id);
  const secret = stored.value?.row;
  const live = stored.value ? (secret?.live ?? 0) : (row?.secrets ?? 0);
  const expiring = secret?.secrets.filter((s) => s.expiresAt).length ?? 0;
  const problem = secret?.problem ?? row?.secretProblem;
  const form = useForm();
  return (
    <Group path={["secret"]} label="Secret">
      <div class="secret-state">
        {live > 0 ? (
          <Badge state="live" word={plural(live, "live secret")} />
        ) : (
          <Badge state="no_secret" word="no secret" />
        )}
        <span class="muted small grow">
          {live === 0
            ? "Every webhook is refused until there is one."
            : expiring > 0
              ? `${expiring} of them will expire.`
              : "It is never shown."}
        </span>
        {!form.readOnly && id && (
          <Button small icon="key" onClick={() => setOpen(true)}>
            {live > 0 ? "Rotate" : "Set a secret"}
          </Button>
        )}
      </div>
      {problem && <p class="field-error">{line(problem, 300)}</p>}
      {open && (
        <SecretDialog
          workflow={id}
          scheme={scheme}
          revision={secret?.revision ?? 0}
          live={live}
          onClose={() => setOpen(false)}
          onStored={stored.reload}
        />
      )}
    </Group>
  );
}
