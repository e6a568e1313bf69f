// The stored document of a workflow, and the draft that is made from it.
import { useLayoutEffect } from "preact/hooks";
import { ApiError, apiPath, getJson, request } from "../api/client";
import { type Data, useData } from "../api/data";
import type { Executions, ExecutionRecord, WorkflowRow } from "../api/types";
import { type Base, type Draft, draftOf, openDraft } from "../flow/drafts";

export interface OpenWorkflow {
  /** Undefined while it is loaded, or if there is none. */
  draft: Draft | undefined;
  /** What is stored now; revision 0 = nothing. Undefined = not known yet. */
  stored: Base | undefined;
  data: Data<Base>;
}

/** Loads a workflow, opens its draft, and follows what others store while nothing was changed here. */
export function useWorkflow(id: string): OpenWorkflow {
  const data = useData(
    `workflow/${id}`,
    (signal) => loadDocument(id, signal),
    (e) => e.kind === "workflow" && e.workflow.id === id,
  );
  const stored = data.loading && data.value?.revision === 0 ? undefined : data.value;
  const draft = draftOf(id);
  // Before the page is drawn: nobody sees it without the draft.
  useLayoutEffect(() => {
    if (!stored || stored.revision === 0) return;
    const now = draftOf(id);
    if (!now) openDraft(id, stored);
    else if (stored.revision > now.base.revision && (!now.dirty || now.text === stored.text))
      now.follow(stored);
  }, [id, stored, draft]);
  return { draft, stored, data };
}

async function loadDocument(id: string, signal: AbortSignal): Promise<Base> {
  try {
    const { text, revision } = await request("GET", apiPath(["workflows", id]), { signal });
    return { text, revision };
  } catch (e) {
    if (e instanceof ApiError && e.status === 404) return { text: "", revision: 0 };
    throw e;
  }
}

/** The state of a workflow; undefined = not known, or not stored. */
export const useWorkflowRow = (id: string): WorkflowRow | undefined =>
  useData(
    `workflow-row/${id}`,
    async (signal) =>
      (await getJson<{ workflows: WorkflowRow[] }>(apiPath(["workflows"], { id }), signal)).workflows,
    (e) => (e.kind === "workflow" && e.workflow.id === id) || (e.kind === "secret" && e.secret.id === id),
  ).value?.find((row) => row.id === id);

/** The newest execution of a workflow: its values are offered and previewed in forms. */
export const useSample = (id: string): ExecutionRecord | undefined =>
  useData(
    `sample/${id}`,
    async (signal) => {
      const { executions } = await getJson<Executions>(
        apiPath(["executions"], { workflow: id, limit: 1 }),
        signal,
      );
      const newest = executions[0];
      return newest && getJson<ExecutionRecord>(apiPath(["executions", newest.id]), signal);
    },
    (e) => e.kind === "execution" && e.execution.workflow === id && e.execution.endedAt !== undefined,
  ).value;
