// What RunGraph loads: the graph, with what became of its nodes.
import { useMemo } from "preact/hooks";
import { useNodeTypes } from "../api/lists";
import { byType } from "../flow/document";
import type { NodeRecord } from "../api/types";
import { Graph, type States } from "../graph/graph";
import type { Json } from "../json/lossless";
import type { RunNode } from "./run";

export interface GraphOfRunProps {
  document: Json;
  nodes: readonly RunNode[];
  selected?: string;
  onSelect: (id: string) => void;
}

export function GraphOfRun({ document, nodes, selected, onSelect }: GraphOfRunProps) {
  const list = useNodeTypes().value;
  const types = useMemo(() => byType(list ?? []), [list]);
  const states = useMemo<States>(
    () => new Map(nodes.map((n) => [n.id, { ...n.record, state: stateOf(n.record) }])),
    [nodes],
  );
  return (
    <Graph
      document={document}
      types={types}
      states={states}
      selected={selected}
      onSelect={(id) => {
        if (id !== undefined) onSelect(id);
      }}
    />
  );
}

/** The state as the graph names it: a failure that was handled is one, since its error edge was followed. */
const stateOf = (n: NodeRecord): string =>
  n.state !== "completed" ? n.state : n.code ? "failed" : "succeeded";
