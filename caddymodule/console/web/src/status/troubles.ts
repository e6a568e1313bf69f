// Troubles and warnings by what they are about.
import type { Trouble } from "../api/types";
import { href } from "../router";

export interface Group {
  where: string;
  /** What it is called. */
  name: string;
  kind: "workflow" | "secret" | "server";
  /** Where it can be mended; undefined = not in the console. */
  link?: string;
  list: Trouble[];
}

/** Groups troubles, in the order in which they come: the worst first. */
export function grouped(troubles: readonly Trouble[]): Group[] {
  const groups = new Map<string, Group>();
  for (const t of troubles) {
    let group = groups.get(t.where);
    if (!group) groups.set(t.where, (group = { ...placeOf(t.where), where: t.where, list: [] }));
    group.list.push(t);
  }
  return [...groups.values()];
}

function placeOf(where: string): Pick<Group, "name" | "kind" | "link"> {
  const [, kind, id] = /^(workflows|secrets)\/(.+)$/s.exec(where) ?? [];
  if (kind === "workflows") return { name: id!, kind: "workflow", link: href(["workflows", id!]) };
  if (kind === "secrets") return { name: id!, kind: "secret", link: href(["secrets"], { q: id }) };
  return {
    name: where === "store" ? "The store" : where === "journal" ? "The journal" : where,
    kind: "server",
  };
}

/** Why webhooks are rejected, by the code that senders get. */
export const rejections: Record<string, string> = {
  invalid_json: "The body is no JSON.",
  invalid_idempotency_key: "The idempotency key is too long, or there are two.",
  invalid_signature: "The signature is missing or wrong: does the sender have the right secret?",
  stale_signature: "The signed time is off by more than 5 minutes: check the clocks.",
  workflow_not_found: "There is no such workflow, or it is inactive.",
  method_not_allowed: "It was no POST.",
  body_timeout: "The body took too long to arrive.",
  body_too_large: "The body exceeds the limit.",
  unsupported_media_type: "The content type is not JSON.",
  idempotency_key_reused: "The key was sent before with another body.",
  too_many_executions: "The workflow has too many executions at the same time.",
  not_ready: "The server had not loaded or prepared the workflow yet.",
  overloaded: "All slots and places to wait were taken.",
  journal_unavailable: "The journal could not be written.",
  workflow_invalid: "The workflow has no valid version.",
  execution_timeout: "The sender's time to wait ran out.",
};
