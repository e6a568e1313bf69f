// One execution: what happened, where, and with what.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { onEvent } from "../api/live";
import type { ExecutionRecord } from "../api/types";
import { flow } from "../flow/document";
import { get } from "../json/lossless";
import { href, navigate, type Route } from "../router";
import { isEnded } from "../runs/actions";
import { filterQuery, readFilter } from "../runs/filter";
import { replaysOf, useNeighbors } from "../runs/neighbors";
import { NodePanel } from "../runs/NodePanel";
import { firstNode, nodesOf, type RunView } from "../runs/run";
import { RunActions, RunFacts, RunFailure, RunTitle, Neighbors } from "../runs/RunHead";
import { RunGraph } from "../runs/RunGraph";
import { Timeline } from "../runs/Timeline";
import { useRun } from "../runs/watch";
import { ButtonLink } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Empty, Note, Skeleton } from "../ui/show";
import { visible } from "../ui/text";

export function Execution({ route }: { route: Route }) {
  const id = route.path[1] ?? "";
  return <One key={id} id={id} route={route} />;
}

function One({ id, route }: { id: string; route: Route }) {
  const { view } = useRun(id);
  const filter = readFilter(route.query);
  const query = filterQuery(filter);
  const back = href(["executions"], query);
  const { record } = view;
  const { newer, older } = useNeighbors(filter, id, record?.acceptedAt);
  const to = (other?: string) => other && href(["executions", other], query);
  useKeys({ j: to(older), "]": to(older), k: to(newer), "[": to(newer) });

  return (
    <>
      <div class="page-head run-head">
        <div class="crumbs">
          <a href={back}>Executions</a>
          <Icon name="right" size={14} />
        </div>
        <RunTitle id={id} record={record} />
        <div class="actions">
          <Neighbors newer={to(newer)} older={to(older)} back={back} />
          {record && <RunActions record={record} text={view.text} />}
        </div>
      </div>
      {view.error && <Note tone="bad">{visible(view.error.message)}</Note>}
      {view.gone === "unknown" && <Gone back={back} />}
      {view.gone === "unrecorded" && (
        <Note tone="warn">
          It has ended, and left no record: successes are recorded only up to a rate that the operator sets (
          <code>history_rate</code>). This is what was seen of it while it ran.
        </Note>
      )}
      {record ? (
        <Body
          record={record}
          view={view}
          chosen={route.query.get("node") ?? undefined}
          onNode={(node) => navigate(href(["executions", id], { ...query, node }), true)}
        />
      ) : (
        view.loading && (
          <div class="card">
            <Skeleton lines={8} />
          </div>
        )
      )}
    </>
  );
}

function Gone({ back }: { back: string }) {
  return (
    <Empty icon="runs" title="There is no such execution, or not any more">
      <p>
        Records are kept for the journal's retention, and the oldest are dropped early when room is needed.
        Successes that a sender waited for are recorded only up to a rate.
      </p>
      <ButtonLink href={back} icon="left">
        Back to the executions
      </ButtonLink>
    </Empty>
  );
}

/** Goes to an address when a key is pressed outside of fields. */
function useKeys(addresses: Readonly<Record<string, string | undefined>>): void {
  const latest = useRef(addresses);
  latest.current = addresses;
  useEffect(() => {
    const press = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement;
      if (
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        target.closest("input, textarea, select, dialog, [contenteditable]")
      )
        return;
      const to = latest.current[e.key];
      if (to) navigate(to);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}

function Body({
  record,
  view,
  chosen,
  onNode,
}: {
  record: ExecutionRecord;
  view: RunView;
  chosen?: string;
  onNode: (id: string) => void;
}) {
  const graph = view.document && flow(view.document);
  const nodes = useMemo(() => nodesOf(record, graph), [record, graph]);
  const first = firstNode(record, nodes) ?? nodes[0]!.id;
  const selected = nodes.find((n) => n.id === chosen) ?? nodes.find((n) => n.id === first)!;
  const panel = useRef<HTMLDivElement>(null);
  const repeats = useMemo(
    () => (id: string) => get(graph?.byId.get(id)?.value, "forEach") !== undefined,
    [graph],
  );
  const replays = useReplays(record);
  const select = (id: string) => {
    onNode(id);
    const box = panel.current?.getBoundingClientRect();
    if (box && box.top > innerHeight * 0.8)
      panel.current!.scrollIntoView({ behavior: "smooth", block: "start" }); // on narrow pages
  };
  return (
    <>
      <RunFacts record={record} replays={replays} />
      <RunFailure record={record} nodeName={nodes.find((n) => n.id === record.node)?.name} onNode={select} />
      {record.cut && (
        <Note tone="warn">Recording took too much work: values of the last nodes are left out.</Note>
      )}
      {record.status === "pending" && <Note tone="busy">It waits for a slot to run.</Note>}
      <div class="run-body">
        <div class="stack run-left">
          {view.document ? (
            <RunGraph document={view.document} nodes={nodes} selected={selected.id} onSelect={select} />
          ) : (
            view.documentAsked &&
            !view.loading &&
            isEnded(record.status) && (
              <p class="muted small">
                The document of revision {record.revision} is not stored any more, so there is no graph.
              </p>
            )
          )}
          <Timeline
            record={record}
            nodes={nodes}
            repeats={repeats}
            selected={selected.id}
            onSelect={select}
          />
        </div>
        <div ref={panel} class="run-panel">
          <NodePanel
            key={selected.id}
            record={record}
            node={selected}
            source={graph?.byId.get(selected.id)?.value}
          />
        </div>
      </div>
    </>
  );
}

/** The executions that ran this one again; new ones by their events. */
function useReplays(record: ExecutionRecord): readonly string[] {
  const [ids, setIds] = useState<readonly string[]>([]);
  const ended = isEnded(record.status);
  useEffect(() => {
    if (!ended) return;
    const stop = new AbortController();
    const add = (more: readonly string[]) => setIds((old) => [...new Set([...old, ...more])].slice(0, 5));
    replaysOf(record, stop.signal).then(add, () => {});
    const off = onEvent((e) => {
      if (e.kind === "execution" && e.execution.replayOf === record.id) add([e.execution.id]);
    });
    return () => {
      stop.abort();
      off();
    };
  }, [record.id, ended]);
  return ids;
}
