// The graph with the list of its nodes, or the form of the selected one, beside it.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Endpoint, ExecutionRecord, NodeType, WorkflowRow } from "../api/types";
import { byType, flow } from "../flow/document";
import type { Draft } from "../flow/drafts";
import {
  connect,
  defaultPlace,
  deleteNodes,
  disconnect,
  duplicate,
  type Edit,
  moveInPlan,
  type Place,
  renameNode,
  setPositions,
} from "../flow/edits";
import { Graph } from "../graph/graph";
import { autoLayout } from "../graph/layout";
import { NodeList } from "../graph/list";
import { Button } from "../ui/controls";
import { say } from "../ui/dialog";
import { Empty, Note } from "../ui/show";
import { lazily } from "../ui/lazy";
import { plural } from "../ui/text";
import type { Checked } from "./validation";
import { parts } from "./load";

const NodePanel = lazily(() => parts().then((m) => m.NodePanel));
const Palette = lazily(() => parts().then((m) => m.Palette), null);
const ConnectDialog = lazily(() => parts().then((m) => m.ConnectDialog), null);

export interface GraphTabProps {
  draft: Draft;
  types: readonly NodeType[];
  checked: Checked;
  sample?: ExecutionRecord;
  endpoints?: readonly Endpoint[];
  row?: WorkflowRow;
  readOnly: boolean;
  /** A node, or an edge, to show; onShown is called when it is. */
  wanted?: { node?: string; edge?: number };
  onShown: () => void;
}

const keyHelp = [
  ["Enter", "open"],
  ["A", "add"],
  ["C", "connect"],
  ["D", "duplicate"],
  ["Del", "delete"],
] as const;
const none: ReadonlySet<string> = new Set();

export function GraphTab({
  draft,
  types: list,
  checked,
  sample,
  endpoints,
  row,
  readOnly,
  wanted,
  onShown,
}: GraphTabProps) {
  const { document } = draft;
  const f = flow(document);
  const types = useMemo(() => byType(list), [list]);
  const root = useRef<HTMLDivElement>(null);
  const [picked, setPicked] = useState(draft.selected);
  const [open, setOpen] = useState(false);
  const focus = useRef(false);
  const [edge, setEdge] = useState<number>();
  const [marked, setMarked] = useState(none);
  const [adding, setAdding] = useState<Place>();
  const [connectFrom, setConnectFrom] = useState<string>();
  const selected = picked !== undefined && f.byId.has(picked) ? picked : undefined;
  const chosen = edge !== undefined && f.edges.some((e) => e.index === edge) ? edge : undefined;
  draft.selected = selected;
  const locked = readOnly || draft.content.error !== undefined;

  const select = (id: string | undefined) => {
    setPicked(id);
    setEdge(undefined);
    setMarked(none);
  };
  const openNode = (id: string) => {
    focus.current = true;
    select(id);
    setOpen(true);
  };
  const focusList = () => {
    requestAnimationFrame(() =>
      root.current?.querySelector<HTMLElement>('.node-list [tabindex="0"]')?.focus(),
    );
  };
  const close = () => {
    setOpen(false);
    focusList();
  };
  useEffect(() => {
    if (!wanted) return;
    if (wanted.node !== undefined) openNode(wanted.node);
    else {
      select(undefined);
      setOpen(false);
      setEdge(wanted.edge);
    }
    onShown();
  }, [wanted]);

  /** Makes an edit, or says why it cannot be made. */
  const make = (edit: Edit): Edit & { document?: unknown } => {
    if (edit.refused !== undefined) say(edit.refused, { tone: "bad" });
    else draft.edit(edit.document);
    return edit;
  };
  const add = (place: Place = defaultPlace(document, types, selected, chosen)) => setAdding(place);
  const remove = () => {
    if (chosen !== undefined) {
      make(disconnect(document, chosen));
      setEdge(undefined);
      return;
    }
    const ids = marked.size ? [...marked] : selected === undefined ? [] : [selected];
    if (ids.length === 0) return;
    const at = f.plan.findIndex((n) => n.id === ids[0]);
    const onGraph = root.current?.querySelector(".graph")?.contains(window.document.activeElement);
    if (make(deleteNodes(document, ids)).refused !== undefined) return;
    const next = f.plan
      .slice(0, at)
      .reverse()
      .concat(f.plan.slice(at))
      .find((n) => !ids.includes(n.id));
    select(next?.id);
    setOpen(false);
    if (!onGraph) focusList();
  };
  const copy = () => {
    const edit = make(
      duplicate(document, marked.size ? [...marked] : selected === undefined ? [] : [selected]),
    );
    if (edit.refused === undefined) select(edit.node);
  };
  const keys = (e: KeyboardEvent): boolean => {
    if (locked || (e.altKey && e.key !== "ArrowUp" && e.key !== "ArrowDown")) return false;
    if (e.altKey && selected !== undefined)
      make(moveInPlan(document, selected, e.key === "ArrowUp" ? -1 : 1));
    else if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "d") copy();
    else if (e.ctrlKey || e.metaKey) return false;
    else if (e.key === "Delete" || e.key === "Backspace") remove();
    else if (e.key === "d") copy();
    else if (e.key === "c" && selected !== undefined) setConnectFrom(selected);
    else if (e.key === "Escape") {
      select(undefined);
      setOpen(false);
    } else return false;
    return true;
  };
  // "a" works wherever nothing is typed.
  useEffect(() => {
    if (locked || adding) return;
    const onKey = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement;
      if (
        e.key !== "a" ||
        e.ctrlKey ||
        e.metaKey ||
        e.altKey ||
        e.defaultPrevented ||
        typing(target) ||
        target.closest("dialog")
      )
        return;
      e.preventDefault();
      add();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });

  const node = selected === undefined ? undefined : f.byId.get(selected);
  const showsNode = open && node !== undefined;
  const troubled = useMemo(() => new Set(checked.byNode.keys()), [checked]);
  return (
    <div
      class="editor-graph"
      ref={root}
      onKeyDown={(e) => {
        const target = e.target as HTMLElement;
        if (
          e.key === "Escape" &&
          showsNode &&
          !e.defaultPrevented &&
          target.closest(".edit-panel") &&
          // In the code editor, Escape lets Tab leave it.
          !target.closest("dialog, .code-editor")
        ) {
          e.preventDefault();
          close();
        }
      }}
    >
      <div
        class="editor-canvas"
        onKeyDown={(e) => {
          if (keys(e)) e.preventDefault();
        }}
      >
        {f.nodes.length === 0 ? (
          <Empty icon="workflow" title="An empty workflow">
            <p>A workflow begins with a trigger, which gets the webhooks.</p>
            {!locked && (
              <Button look="primary" icon="plus" onClick={() => add({})}>
                Add the trigger
              </Button>
            )}
          </Empty>
        ) : (
          <Graph
            document={document}
            types={types}
            selected={selected}
            problems={troubled}
            onSelect={(id) => {
              focus.current = false;
              setPicked(id);
              setOpen(id !== undefined);
            }}
            edit={
              locked
                ? undefined
                : {
                    edge: chosen,
                    onEdge: (index) => {
                      setEdge(index);
                      if (index !== undefined) {
                        setPicked(undefined);
                        setOpen(false);
                      }
                    },
                    marked,
                    onMark: setMarked,
                    onAdd: add,
                    onConnect: (source, handle, target) => {
                      make(connect(document, source, target, handle));
                    },
                    onDisconnect: (index) => {
                      make(disconnect(document, index));
                      setEdge(undefined);
                    },
                    onMove: (positions) => {
                      make(setPositions(document, positions));
                    },
                    onTidy: () => {
                      make(setPositions(document, autoLayout(document).positions));
                    },
                  }
            }
          />
        )}
        {f.nodes.length > 0 && !locked && (
          <div class="editor-add">
            <Button look="primary" icon="plus" onClick={() => add()} title="Add a node (A)">
              Add node
            </Button>
          </div>
        )}
        <div class="editor-notes">
          {draft.content.error && (
            <Note tone="warn">
              The text in the Document tab is not valid JSON, so the graph shows the document before it and
              cannot be changed.
            </Note>
          )}
          {f.unreadable > 0 && !draft.content.error && (
            <Note tone="warn">
              {plural(f.unreadable, "entry", "entries")} of the document cannot be shown here. The problems
              tell why.
            </Note>
          )}
          {marked.size > 1 && (
            <Note tone="idle">
              {plural(marked.size, "node")} are selected: drag them together, or press D to duplicate, Delete
              to delete.
            </Note>
          )}
        </div>
      </div>
      <aside class={`editor-side${showsNode ? " open" : ""}`}>
        {showsNode ? (
          <NodePanel
            key={node.id}
            document={document}
            node={node}
            types={list}
            byType={types}
            problems={checked.problems}
            sample={sample}
            endpoints={endpoints}
            row={row}
            readOnly={locked}
            focus={focus.current}
            onChange={(next, { coalesce }) => draft.edit(next, coalesce)}
            onClose={close}
            onOpen={openNode}
            onAdd={add}
            onConnect={setConnectFrom}
            onDisconnect={(index) => {
              make(disconnect(document, index));
            }}
            onDelete={remove}
            onDuplicate={copy}
            onRename={(to) => {
              if (make(renameNode(document, node.id, to)).refused === undefined) setPicked(to);
            }}
          />
        ) : (
          <section class="editor-list" aria-label="Nodes">
            <header>
              <h2>{plural(f.nodes.length, "node")}</h2>
            </header>
            <NodeList
              document={document}
              selected={selected}
              problems={checked.byNode}
              onSelect={select}
              onOpen={openNode}
              onKey={(e) => keys(e)}
            />
            {!locked && (
              <footer class="small muted">
                {keyHelp.map(([key, what]) => (
                  <span key={key}>
                    <kbd>{key}</kbd> {what}
                  </span>
                ))}
              </footer>
            )}
          </section>
        )}
      </aside>
      {adding && (
        <Palette
          document={document}
          types={types}
          place={adding}
          onClose={() => setAdding(undefined)}
          onAdd={(added) => {
            setAdding(undefined);
            const edit = make(added);
            if (edit.refused === undefined && edit.node !== undefined) openNode(edit.node);
          }}
        />
      )}
      {connectFrom !== undefined && (
        <ConnectDialog
          document={document}
          source={connectFrom}
          types={types}
          onClose={() => setConnectFrom(undefined)}
          onConnect={(source, handle, target) => {
            setConnectFrom(undefined);
            make(connect(document, source, target, handle));
          }}
        />
      )}
    </div>
  );
}

/** Whether keys go into a field. */
export const typing = (at: HTMLElement): boolean =>
  at.matches("input, textarea, select") || at.isContentEditable || at.shadowRoot !== null;
