// The graph of an execution, in the colors of what happened.
import { useMemo } from "preact/hooks";
import { useNodeTypes } from "../api/lists";
import { byType } from "../flow/document";
import type { NodeRecord } from "../api/types";
import { Graph, type States } from "../graph/graph";
import type { Json } from "../json/lossless";
import type { RunNode } from "./run";

export function RunGraph({ document, nodes, selected, onSelect }: {
  document: Json; nodes: readonly RunNode[]; selected?: string; onSelect: (id: string) => void;
}) {
  const list = useNodeTypes().value;
  const types = useMemo(() => byType(list ?? []), [list]);
  const states = useMemo<States>(() => new Map(nodes.map((n) => [n.id, { ...n.record, state: stateOf(n.record) }])), [nodes]);
  return (
    <section class="card run-graph" aria-label="Graph of the workflow as it ran">
      <Graph document={document} types={types} states={states} selected={selected} onSelect={(id) => { if (id !== undefined) onSelect(id); }} />
    </section>
  );
}

/** The state as the graph names it: a failure that was handled is one, since its error edge was followed. */
const stateOf = (n: NodeRecord): string => (n.state !== "completed" ? n.state : n.code ? "failed" : "succeeded");
