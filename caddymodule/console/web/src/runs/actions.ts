// What can be done with executions.
import { apiPath, postJson } from "../api/client";
import type { Status } from "../api/types";

export type Revision = "recorded" | "current";

/** Ends an execution. It has not ended yet when this returns. */
export async function cancelRun(id: string): Promise<undefined> {
  await postJson(apiPath(["executions", id, "cancel"]));
  return undefined;
}

/** Runs an execution again and returns the id of the new one. */
export async function replayRun(id: string, revision: Revision): Promise<string> {
  return (await postJson<{ id: string }>(apiPath(["executions", id, "replay"], { revision }))).id;
}

export const isEnded = (status: Status): boolean => status !== "pending" && status !== "running";
