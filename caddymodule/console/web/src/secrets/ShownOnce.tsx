// A new secret, shown for the only time, with lines that send a first webhook.
import { webhookUrls } from "../api/endpoints";
import { useStatus } from "../api/lists";
import { CopyButton } from "../ui/controls";
import { Note } from "../ui/show";
import { curlCommand, sendCommand } from "./commands";
import { aboutScheme } from "./schemes";

export function ShownOnce({
  secret,
  workflow,
  scheme,
}: {
  secret: string;
  workflow: string;
  scheme: string;
}) {
  const status = useStatus();
  const url =
    webhookUrls(status.value?.endpoints ?? [], workflow)[0] ?? `https://your-site/api/webhooks/${workflow}`;
  const curl = curlCommand(url, scheme);
  return (
    <>
      <Note tone="warn">Copy the secret now. It is shown only here and only once.</Note>
      <div class="copied">
        <code class="secret-text">{secret}</code>
        <CopyButton text={secret} label="Copy the secret" small={false} />
      </div>
      <p class="muted small">{aboutScheme(scheme).where}</p>
      <Command
        title="Send a first webhook"
        text={sendCommand(url, scheme)}
        hint="It reads the secret from the file secret.txt: put it there first."
      />
      {curl && <Command title="Or with curl and openssl" text={curl} />}
    </>
  );
}

/** Lines for a shell, with a button that copies them. */
export function Command({ title, text, hint }: { title: string; text: string; hint?: string }) {
  return (
    <div class="stack tight">
      <div class="row between">
        <span class="label">{title}</span>
        <CopyButton text={text} label={`Copy: ${title}`} />
      </div>
      <pre class="text command" tabIndex={0}>
        {text}
      </pre>
      {hint && <p class="hint">{hint}</p>}
    </div>
  );
}
