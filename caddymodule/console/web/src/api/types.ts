// The JSON of the API, as docs/operators/openapi.yaml describes it. Raw JSON values (payloads,
// documents) come as text.

export interface Problem {
  path: string;
  reason: string;
  line?: number;
  column?: number;
}

export type WorkflowState = "serving" | "stale" | "invalid" | "preparing";

export interface WorkflowRow {
  id: string;
  name: string;
  active: boolean;
  trigger?: "webhook" | "manual";
  mode?: ResponseMode;
  scheme?: string;
  nodes?: number;
  revision: number;
  serving: number;
  state: WorkflowState;
  secrets: number;
  problems?: Problem[];
  warnings?: Problem[];
  secretProblem?: string;
  prepareFuel?: number;
}
export type ResponseMode = "minimal" | "lastNode" | "specificNode" | "allNodes";

export interface Validation {
  valid: boolean;
  id?: string;
  nodes?: number;
  prepareFuel?: number;
  problems?: Problem[];
  warnings?: Problem[];
}
export interface StoredWorkflow {
  id: string;
  prepareFuel: number;
  revision: number;
  secretMoved: boolean;
}

/** The body of a 412: what is stored now. */
export interface Conflict {
  error: string;
  revision: number;
  document?: unknown;
}

export type Status = "pending" | "running" | "succeeded" | "failed" | "cancelled" | "timed_out";
export const statuses: readonly Status[] = [
  "pending",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "timed_out",
];

export interface Summary {
  id: string;
  workflow: string;
  revision: number;
  mode?: ResponseMode;
  acceptedAt: string;
  startedAt?: string;
  endedAt?: string;
  replayOf?: string;
  source?: string;
  /** Which has taken the request, if several share the journal. */
  machine?: string;
  status: Status;
  node?: string;
  code?: string;
  message?: string;
}

/** A recorded value: its text or, if it was too long, its size and digest. */
export interface Value {
  text?: string;
  size?: number;
  sha256?: string;
  masked?: boolean;
  cut?: boolean;
}

export interface Trigger {
  data: Value;
  headers?: Value;
  method?: string;
  clientIp?: string;
  receivedAt: string;
}

export interface HostCall {
  function: string;
  request: Value;
  answer?: Value;
  code?: string;
  message?: string;
  fatal?: boolean;
}

export interface Call {
  item?: number;
  attempt: number;
  start: string;
  durationNs?: number;
  live?: boolean;
  fuel?: number;
  host?: HostCall[];
  code?: string;
  message?: string;
}

export interface NodeRecord {
  id: string;
  type?: string;
  state: string;
  /** Which ran it, if another one than has taken the request. */
  machine?: string;
  handle?: string;
  attempts?: number;
  startedAt?: string;
  durationNs?: number;
  why?: string;
  input?: Value;
  fixed?: Value;
  output?: Value;
  logs?: string[];
  fuel?: number;
  code?: string;
  message?: string;
  detail?: string;
  grants?: string[];
  calls?: Call[];
  callsCut?: boolean;
}

export interface ExecutionRecord extends Summary {
  trigger?: Trigger;
  nodes?: NodeRecord[];
  cut?: boolean;
}
export interface Executions {
  executions: Summary[];
  next?: string;
}

export interface WorkflowCounts {
  id: string;
  last?: { status: Status; endedAt: string; id: string };
  p50Ns?: number;
  succeeded?: number[];
  failed?: number[];
  cancelled?: number[];
  timed_out?: number[];
}
export interface Counts {
  from: string;
  hours: number;
  workflows: WorkflowCounts[];
  rejections: { code: string; counts: number[] }[];
}

export interface SecretRow {
  id: string;
  revision: number;
  workflow: boolean;
  live: number;
  secrets: { expiresAt?: string }[];
  problem?: string;
}

export interface NodeType {
  type: string;
  version: string;
  summary: string;
  source: string;
  builtin: boolean;
  digest: string;
  handles?: string[];
  handlesFrom?: string;
  capabilities?: string[];
  refused?: string[];
  optional?: string[];
  defaults?: { with?: string; key: string; value: unknown }[];
  fixed?: string[];
  schema?: unknown;
  memory: number;
  timeout: string;
  fuel?: number;
  slow?: string[];
}

export interface Endpoint {
  prefix: string;
  listen: string[];
  hosts?: string[];
  tls: boolean;
}
export interface Trouble {
  where: string;
  path?: string;
  reason: string;
}
export interface ServerStatus {
  version: string;
  started?: string;
  durability: string;
  store: { engine: string; state: string; revision: number; since: string; error?: string };
  journal: {
    pending: number;
    running: number;
    oldest?: string;
    bytes?: number;
    maxBytes?: number;
    diskFree?: number;
    writesPerSecond: number;
    notRecorded: number;
  };
  executions: { inUse: number; limit: number };
  sandbox: { memory: number; limit: number; waiting: number };
  workflows: { serving: number; inactive: number; stale: number; invalid: number; preparing: number };
  troubles: Trouble[];
  warnings: Trouble[];
  ready: boolean;
  preparing: string[];
  endpoints?: Endpoint[];
}

export interface SendRequest {
  workflow: string;
  prefix?: string;
  body: string;
  query?: string;
  headers?: [string, string][];
}
export interface SendResult {
  executionId?: string;
  replayed?: boolean;
  request: { method: string; path: string; query?: string; headers: [string, string][]; body: string };
  response: { status: number; headers: [string, string][]; body: string; encoding?: "base64"; size?: number };
  durationNs: number;
}

export interface Session {
  user: string;
  readOnly: boolean;
  version: string;
  door: "command" | "site";
}

export type LiveEvent = { at: string } & (
  | { kind: "execution"; execution: Summary }
  | { kind: "node"; execution: string; workflow: string; node: NodeRecord }
  | {
      kind: "workflow";
      workflow: { id: string; revision?: number; state?: WorkflowState; deleted?: boolean };
    }
  | { kind: "secret"; secret: { id: string; deleted?: boolean } }
  | { kind: "global"; global: { key: string; deleted?: boolean } }
  | { kind: "more"; executions: number }
);
