// The execution that was started, node by node.
import { useMemo, useState } from "preact/hooks";
import { flow } from "../flow/document";
import { get, type Json } from "../json/lossless";
import { href } from "../router";
import { NodePanel } from "../runs/NodePanel";
import { RunFailure } from "../runs/RunHead";
import { RunGraph } from "../runs/RunGraph";
import { firstNode, nodesOf } from "../runs/run";
import { shortId } from "../runs/RunTable";
import { Timeline } from "../runs/Timeline";
import { type RunWatch, useWatched } from "../runs/watch";
import { Elapsed } from "../runs/Elapsed";
import { Badge, Note, Skeleton } from "../ui/show";
import { visible } from "../ui/text";

export function Run({
  watch,
  stored,
}: {
  watch: RunWatch;
  /** The document of the workflow, if it is the one that ran: an execution without a record has none. */
  stored?: Json;
}) {
  const view = useWatched(watch);
  const { record } = view;
  const [chosen, setChosen] = useState<string>();
  const document = view.document ?? (view.documentAsked || view.gone ? stored : undefined);
  const graph = document && flow(document);
  const nodes = useMemo(() => (record ? nodesOf(record, graph) : []), [record, graph]);
  const repeats = useMemo(
    () => (id: string) => get(graph?.byId.get(id)?.value, "forEach") !== undefined,
    [graph],
  );
  if (!record) {
    return view.gone ? (
      <Note tone="warn">
        The execution left no record: successes are recorded only up to a rate that the operator sets.
      </Note>
    ) : view.error ? (
      <Note tone="bad">{visible(view.error.message)}</Note>
    ) : (
      <div class="card">
        <Skeleton lines={6} />
      </div>
    );
  }
  const first = firstNode(record, nodes) ?? nodes[0]!.id;
  const selected = nodes.find((n) => n.id === chosen) ?? nodes.find((n) => n.id === first)!;
  return (
    <section class="stack" aria-label="Execution">
      <div class="row">
        <h2>Execution</h2>
        <Badge state={record.status} />
        <span class="muted small number">
          <Elapsed from={record.startedAt} to={record.endedAt} />
        </span>
        <a class="mono" href={href(["executions", record.id])}>
          {shortId(record.id)}
        </a>
      </div>
      <RunFailure
        record={record}
        nodeName={nodes.find((n) => n.id === record.node)?.name}
        onNode={setChosen}
      />
      {view.gone === "unrecorded" && (
        <Note tone="warn">
          It left no record: successes are recorded only up to a rate that the operator sets. This is what was
          seen while it ran.
        </Note>
      )}
      {document && <RunGraph document={document} nodes={nodes} selected={selected.id} onSelect={setChosen} />}
      <Timeline record={record} nodes={nodes} repeats={repeats} selected={selected.id} onSelect={setChosen} />
      <NodePanel
        key={selected.id}
        record={record}
        node={selected}
        source={graph?.byId.get(selected.id)?.value}
      />
    </section>
  );
}
