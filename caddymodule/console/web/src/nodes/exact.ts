// Node types with all digits of the numbers in their schemas: a maximum of 9223372036854775807 is no other.
import type { NodeType } from "../api/types";
import { get, items, type Json, jsonNull, parse, stringify } from "../json/lossless";

export interface Exact {
  node: NodeType;
  /** undefined = any config is taken. */
  schema?: Json;
  /** The values of node.defaults, as JSON. */
  defaults: string[];
}

/** Reads the response of GET nodes. */
export function parseNodes(envelope: string): Exact[] {
  const rows = (JSON.parse(envelope) as { nodes: NodeType[] }).nodes;
  const exact = items(get(parse(envelope), "nodes"));
  return rows.map((node, i) => ({
    node,
    schema: get(exact[i], "schema"),
    defaults: items(get(exact[i], "defaults")).map((d) => stringify(get(d, "value") ?? jsonNull)),
  }));
}
