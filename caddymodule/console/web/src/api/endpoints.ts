// The addresses of webhooks, from what the server tells of its sites.
import type { Endpoint } from "./types";

/**
 * Returns the addresses at which senders reach a workflow: those with a name of a site first. A
 * site that serves any host, on all addresses of its machine, is reached by the name that this page
 * was opened with.
 */
export function webhookUrls(
  endpoints: readonly Endpoint[],
  workflow: string,
  pageHost = location.hostname,
): string[] {
  const named: string[] = [];
  const others: string[] = [];
  for (const { prefix, listen, hosts, tls } of endpoints) {
    for (const address of listen) {
      const at = /^(?:tcp[46]?\/)?(.*):(\d+)$/.exec(address);
      if (!at) continue; // a socket: what is in front of it is not known
      const [, host = "", port = ""] = at;
      const names = hosts?.length ? hosts : [/^(?:|0\.0\.0\.0|\[::\])$/.test(host) ? pageHost : host];
      const end = port === (tls ? "443" : "80") ? "" : `:${port}`;
      for (const name of names) {
        const url = `${tls ? "https" : "http"}://${name}${end}${prefix}${encodeURIComponent(workflow)}`;
        (hosts?.length && !name.includes("*") ? named : others).push(url);
      }
    }
  }
  return [...new Set([...named, ...others])];
}
