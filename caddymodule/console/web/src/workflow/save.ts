// Storing a draft.
import { ApiError, apiPath, request } from "../api/client";
import type { Conflict, Problem, StoredWorkflow } from "../api/types";
import type { Base, Draft } from "../flow/drafts";

/** How an attempt to store a draft has ended. */
export type Saved =
  | { kind: "saved" }
  /** Somebody else has stored theirs, or with revision 0 has deleted it. */
  | { kind: "conflict"; theirs: Base }
  | { kind: "refused"; message: string; problems: readonly Problem[] };

/** Stores a draft on top of the revision that it began with. */
export async function save(draft: Draft): Promise<Saved> {
  const { text, base, content } = draft;
  if (content.error) {
    const { message, line, column } = content.error;
    return {
      kind: "refused",
      message: `The document is not valid JSON: ${message}`,
      problems: [{ path: "", reason: message, line, column }],
    };
  }
  const path = apiPath(["workflows", draft.id]);
  try {
    const reply = await request("PUT", path, { body: text, ifRevision: base.revision });
    const stored = JSON.parse(reply.text) as StoredWorkflow;
    draft.saved(stored.revision, text);
    if (stored.secretMoved) {
      // The secret is no part of the document any more.
      const now = await request("GET", path);
      if (draft.text === text && now.revision === stored.revision) draft.follow(now);
    }
    return { kind: "saved" };
  } catch (e) {
    if (!(e instanceof ApiError)) throw e;
    if (e.status === 412) return { kind: "conflict", theirs: theirsOf(e) };
    return { kind: "refused", message: e.message, problems: e.problems };
  }
}

function theirsOf(e: ApiError): Base {
  try {
    const { revision, document } = JSON.parse(e.body) as Conflict;
    return typeof document === "string" ? { revision, text: document } : { revision: 0, text: "" };
  } catch {
    return { revision: 0, text: "" };
  }
}
