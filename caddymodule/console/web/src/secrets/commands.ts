// Lines for a shell that send a first webhook. They read the secret from the file secret.txt: it is
// in no history.

/** A body that a first webhook can have. */
const sample = `{"hello": "world"}`;

/** Quotes text for a POSIX shell. */
export const shell = (text: string): string =>
  /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

/** The command that sends a webhook, for any scheme. */
export function sendCommand(url: string, scheme: string): string {
  const flag =
    scheme === "custom"
      ? " --signature-file workflow.json"
      : scheme && scheme !== "flowtrux"
        ? ` --scheme ${shell(scheme)}`
        : "";
  return `echo '${sample}' | caddy flowtrux send ${shell(url)}${flag} --secret-file secret.txt`;
}

const headers: Record<string, readonly [name: string, before: string]> = {
  flowtrux: ["X-Webhook-Signature", ""],
  github: ["X-Hub-Signature-256", "sha256="],
};

/** The same with curl and openssl, for schemes that sign only the body; undefined = not for this one. */
export function curlCommand(url: string, scheme: string): string | undefined {
  const header = headers[scheme || "flowtrux"];
  if (!header) return undefined;
  return [
    "SECRET=$(cat secret.txt)",
    `BODY='${sample}'`,
    `SIGNATURE=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$SECRET" -r | cut -d' ' -f1)`,
    `curl -i ${shell(url)} -H 'Content-Type: application/json' -H "${header[0]}: ${header[1]}$SIGNATURE" -d "$BODY"`,
  ].join("\n");
}
