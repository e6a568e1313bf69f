import { signal } from "@preact/signals";
import { ApiError, getJson, request } from "./client";
import { mark, onReconnect } from "./live";
import type { Session } from "./types";

/** Who uses the page; undefined = not known yet. */
export const session = signal<Session | undefined>(undefined);
/** Why the page may not be used, or undefined. */
export const refused = signal<ApiError | undefined>(undefined);
/** The server was upgraded since this page was loaded. */
export const outdated = signal(false);

/** Reports whether the page can change anything. */
export const canWrite = (): boolean => session.value !== undefined && !session.value.readOnly;

/** Exchanges a token in the URL, if there is one, and loads the session. */
export async function begin(): Promise<void> {
  const token = /^#token=([\w-]+)$/.exec(location.hash)?.[1];
  try {
    if (token) {
      history.replaceState(null, "", "#/"); // no history entry and no copied address has it
      await request("POST", "session", { body: JSON.stringify({ token }) });
      dispatchEvent(new HashChangeEvent("hashchange"));
    }
    [session.value] = await Promise.all([getJson<Session>("session"), mark()]);
    refused.value = undefined;
  } catch (e) {
    refused.value = e instanceof ApiError ? e : new ApiError(-1, String(e));
  }
}

onReconnect(() => {
  void (async () => {
    const before = session.value?.version;
    await begin();
    if (before !== undefined && session.value !== undefined && session.value.version !== before)
      outdated.value = true;
  })();
});
