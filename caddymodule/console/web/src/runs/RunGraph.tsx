// The graph of an execution, in the colors of what happened. Its code is loaded when it is first shown: the
// record and its list of nodes do not wait for it.
import { lazily } from "../ui/lazy";
import type { GraphOfRunProps } from "./GraphOfRun";

const GraphOfRun = lazily(() => import("./GraphOfRun").then((m) => m.GraphOfRun));

export function RunGraph(props: GraphOfRunProps) {
  return (
    <section class="card run-graph" aria-label="Graph of the workflow as it ran">
      <GraphOfRun {...props} />
    </section>
  );
}
