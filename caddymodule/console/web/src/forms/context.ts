// What all fields of a form share: the document, what templates can name, and how a change is made.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { ExecutionRecord } from "../api/types";
import { get, type Json } from "../json/lossless";
import type { Path } from "../templates/path";
import type { Scope } from "../templates/scope";
import { type NodeProblems, reasonsAt } from "./problems";

export interface FormContext {
  document: Json;
  /** The id of the node, and its place in nodes. */
  node: string;
  index: number;
  readOnly: boolean;
  scope: Scope;
  problems: NodeProblems;
  /** Names the form in what is kept for it, such as texts that are no JSON yet. */
  key: string;
  /**
   * Sets the value at a path below the node, or removes it. Changes of the same field while it is typed into
   * are one step of undo: those with a coalesce of true.
   */
  change: (path: Path, value: Json | undefined, coalesce?: boolean) => void;
  /** Changes more than one value of the node, or the edges at it. key names what is typed into, if it is. */
  edit: (change: (document: Json) => Json, key?: string) => void;
  /** The execution whose values are previewed. */
  sample?: ExecutionRecord;
}

const context = createContext<FormContext | undefined>(undefined);
export const FormProvider = context.Provider;

export function useForm(): FormContext {
  const form = useContext(context);
  if (!form) throw new Error("a field is outside of a form");
  return form;
}

/** The value at a path below the node, with how it is changed and what is wrong with it. */
export function useField(path: Path): {
  value: Json | undefined;
  set: (v: Json | undefined, coalesce?: boolean) => void;
  error?: string;
  readOnly: boolean;
} {
  const form = useForm();
  const reasons = reasonsAt(form.problems, path);
  return {
    value: get(form.document, "nodes", form.index, ...path),
    set: (v, coalesce) => form.change(path, v, coalesce),
    error: reasons.length ? reasons.join("; ") : undefined,
    readOnly: form.readOnly,
  };
}

const drafts = new Map<string, string>();
const maxDrafts = 64;

/** Keeps a text that is no value yet, so that it is there again when the form is shown the next time. */
export function keepDraft(key: string, text: string | undefined): void {
  drafts.delete(key);
  if (text !== undefined) drafts.set(key, text);
  for (const old of drafts.keys()) {
    if (drafts.size <= maxDrafts) break;
    drafts.delete(old);
  }
}
export const draftOf = (key: string): string | undefined => drafts.get(key);
