// Documents that are about to be imported: read, checked by the server, and stored one by one.
import { ApiError, apiPath, request } from "../api/client";
import type { Problem, StoredWorkflow, Validation } from "../api/types";
import { idIn } from "./documents";

/** The server takes documents up to this size, in bytes. */
export const maxDocument = 1 << 20;
/** How many files are taken at once. */
export const maxFiles = 500;

export interface Item {
  key: number;
  /** The file's name. */
  from: string;
  text: string;
  id: string;
  state: "checking" | "ready" | "wrong" | "storing" | "stored";
  /** Why it is wrong. */
  reason?: string;
  problems: Problem[];
  nodes?: number;
  /** Whether it takes the place of a workflow with the same id. */
  replace: boolean;
  secretMoved?: boolean;
}

let keys = 0;

/** Makes an item of a text. A document without an id is called like its file. */
export function itemOf(from: string, text: string): Item {
  const id = idIn(text) ?? from.replace(/\.json$/i, "");
  return { key: ++keys, from, text, id, state: "checking", problems: [], replace: false };
}

/** Makes an item of a file, which is not read if it is too long to be a document. */
export async function itemOfFile(file: File): Promise<Item> {
  if (file.size > maxDocument)
    return {
      ...itemOf(file.name, ""),
      state: "wrong",
      reason: "It is larger than 1 MiB, the most that a document can have.",
    };
  try {
    return itemOf(file.name, await file.text());
  } catch (e) {
    return {
      ...itemOf(file.name, ""),
      state: "wrong",
      reason: `It cannot be read: ${e instanceof Error ? e.message : String(e)}`,
    };
  }
}

/** Asks the server about a document. */
export async function check(item: Item): Promise<Item> {
  if (item.text.trim() === "") return { ...item, state: "wrong", reason: "It is empty." };
  try {
    const { text } = await request("POST", apiPath(["validate"], { id: item.id }), { body: item.text });
    const found = JSON.parse(text) as Validation;
    if (!found.valid) return { ...item, state: "wrong", problems: found.problems ?? [] };
    return { ...item, state: "ready", id: found.id ?? item.id, nodes: found.nodes };
  } catch (e) {
    return failed(item, e);
  }
}

/**
 * Stores a document that is checked. revision is that of the workflow that it replaces; 0 = there
 * is none.
 */
export async function store(item: Item, revision: number): Promise<Item> {
  try {
    const { text } = await request("PUT", apiPath(["workflows", item.id]), {
      body: item.text,
      ifRevision: revision,
    });
    return { ...item, state: "stored", secretMoved: (JSON.parse(text) as StoredWorkflow).secretMoved };
  } catch (e) {
    if (e instanceof ApiError && e.status === 412)
      return {
        ...item,
        state: "ready",
        replace: false,
        reason: "Somebody else has stored a workflow with this id meanwhile.",
      };
    return failed(item, e);
  }
}

const failed = (item: Item, e: unknown): Item => ({
  ...item,
  state: "wrong",
  reason: e instanceof Error ? e.message : String(e),
  problems: e instanceof ApiError ? e.problems : [],
});
