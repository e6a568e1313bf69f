// New nodes: where they go, and what they begin with.
import type { NodeType } from "../api/types";
import { flow, handles, routes, triggerType } from "../flow/document";
import { addNode, type Edit, type Place, setPositions } from "../flow/edits";
import { initial, type Schema } from "../forms/schema";
import { freePlace, layout } from "../graph/layout";
import { arr, type Json, obj, str } from "../json/lossless";

/** A config that a node of a type can begin with. input is the template of what comes before it. */
export function starter(type: NodeType, input: string): Json {
  switch (type.builtin ? type.type : "") {
    case "transform":
      return obj({ output: str(input) });
    case "condition":
      return obj({ conditions: arr(obj({ left: str(input), operator: str("exists") })) });
    case "switch":
      return obj({ value: str(input), cases: arr(obj({ name: str("first"), value: str("") })) });
    case "http-request":
      return obj({ method: str("GET"), url: str("") });
    case "code":
      return obj({ source: str("return input;"), input: str(input) });
    default: {
      const schema = type.schema as Schema;
      const config = schema === undefined ? obj([]) : initial(schema, schema);
      return config.kind === "object" ? config : obj([]);
    }
  }
}

const triggerConfig = obj({ triggerType: str("webhook"), webhook: obj({ responseMode: str("lastNode") }) });

/** Adds a node at a place. If the nodes of the document have positions, it gets one, too. */
export function addAt(
  document: Json,
  type: NodeType | "trigger",
  place: Place,
  types: ReadonlyMap<string, NodeType>,
): Edit {
  if (type === "trigger") return addNode(document, triggerType, triggerConfig, {});
  const f = flow(document);
  const before = place.after ?? f.edges.find((e) => e.index === place.edge)?.source;
  const input =
    before === undefined || f.byId.get(before)?.type === triggerType
      ? "{{trigger.data}}"
      : `{{steps.${before}.output}}`;
  const config = starter(type, input);
  // What follows it is reached by its first handle, if it chooses one.
  const probe = addNode(document, type.type, config, {});
  if (probe.refused !== undefined) return probe;
  const main = routes(type) ? handles(probe.document, probe.node!, types)[0]?.name : undefined;
  const placed = f.nodes.some((n) => n.position);
  const edit = addNode(
    document,
    type.type,
    config,
    { ...place, position: placed ? place.position : undefined },
    main,
  );
  if (edit.refused !== undefined || !placed || place.position) return edit;
  const at = freePlace(flow(edit.document), edit.node!, layout(document).positions);
  const moved = setPositions(edit.document, new Map([[edit.node!, at]]));
  return moved.refused === undefined ? { ...edit, document: moved.document } : moved;
}
