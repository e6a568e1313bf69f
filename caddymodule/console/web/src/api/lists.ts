// What several screens load: the same keys, so that one load serves all.
import { apiPath, getJson } from "./client";
import { type Data, useData } from "./data";
import type { NodeType, SecretRow, ServerStatus, WorkflowRow } from "./types";

/** All workflows. A secret changes the state of its workflow. */
export const useWorkflows = (): Data<WorkflowRow[]> =>
  useData(
    "workflows",
    async (signal) => (await getJson<{ workflows: WorkflowRow[] }>(apiPath(["workflows"]), signal)).workflows,
    (e) => e.kind === "workflow" || e.kind === "secret",
  );

export const useSecrets = (): Data<SecretRow[]> =>
  useData(
    "secrets",
    async (signal) => (await getJson<{ secrets: SecretRow[] }>(apiPath(["secrets"]), signal)).secrets,
    (e) => e.kind === "secret" || e.kind === "workflow",
  );

/** The node types that workflows can use. They change only with the server's config. */
export const useNodeTypes = (): Data<NodeType[]> =>
  useData(
    "nodes",
    async (signal) => (await getJson<{ nodes: NodeType[] }>(apiPath(["nodes"]), signal)).nodes,
  );

/** The state of the server, loaded again every few seconds if every is given in milliseconds. */
export const useStatus = (every?: number): Data<ServerStatus> =>
  useData(
    "status",
    (signal) => getJson<ServerStatus>(apiPath(["status"]), signal),
    (e) => e.kind === "workflow" || e.kind === "secret",
    { every },
  );
