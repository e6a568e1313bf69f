// The graph of an execution, in the colors of what happened.
import type { Json } from "../json/lossless";
import type { RunNode } from "./run";

export function RunGraph(_: { document: Json; nodes: readonly RunNode[]; selected: string; onSelect: (id: string) => void }) {
  return <div class="card run-graph" />;
}
