// What a row of the list of workflows says about its workflow.
import type { Problem, ResponseMode, WorkflowRow } from "../api/types";
import { line } from "../ui/text";

/** The states by which the list is filtered, the most urgent first. */
export const states = ["invalid", "stale", "no_secret", "preparing", "serving", "inactive"] as const;
export type State = (typeof states)[number];

/** The one state that matters most. */
export function stateOf(row: WorkflowRow): State {
  if (row.state !== "serving") return row.state;
  if (!row.active) return "inactive";
  return row.secretProblem ? "no_secret" : "serving";
}

/** What is wrong with a workflow, the document's mistakes first. A secret's problem has no path. */
export function troubles(row: WorkflowRow): Problem[] {
  const list = [...(row.problems ?? [])];
  if (row.secretProblem) list.push({ path: "", reason: `its secret ${row.secretProblem}` });
  return list;
}

/** What a workflow is called: an invalid document has no name that is known. */
export const nameOf = (row: WorkflowRow): string => row.name || row.id;

/** Reports whether a row has all words of a query in its name or id. */
export function matches(row: WorkflowRow, query: string): boolean {
  const text = `${row.name} ${row.id}`.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** The rows in the order of their names. Numbers in names count as numbers. */
export const sorted = (rows: readonly WorkflowRow[]): WorkflowRow[] => {
  const { compare } = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  return [...rows].sort((a, b) => compare(nameOf(a), nameOf(b)) || compare(a.id, b.id));
};

/** Which output becomes the response, in a few words. */
export const modeWords: Record<ResponseMode, string> = {
  minimal: "At once",
  lastNode: "Last node",
  specificNode: "One node",
  allNodes: "All nodes",
};

/** The same for a mode that may be of a newer server. */
export const modeWord = (mode: string): string =>
  Object.hasOwn(modeWords, mode) ? modeWords[mode as ResponseMode] : line(mode, 40);

/** Why a document cannot be changed by a menu: its text is shown only in part. */
export const unreadable = (row: WorkflowRow): string | undefined =>
  row.state === "serving"
    ? undefined
    : row.state === "preparing"
      ? "It is being prepared."
      : "Mend its document first.";
