// What leads to a node and where it leads: the edges of the graph, for the keyboard too.
import { useState } from "preact/hooks";
import type { NodeType } from "../api/types";
import { flow, type Handle, handles } from "../flow/document";
import { type Place, whyNotConnect } from "../flow/edits";
import type { Json } from "../json/lossless";
import { Button, Field, IconButton, Select } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Note } from "../ui/show";
import { line } from "../ui/text";

interface ConnectionsProps {
  document: Json;
  node: string;
  types: ReadonlyMap<string, NodeType>;
  readOnly: boolean;
  onOpen: (id: string) => void;
  onAdd: (place: Place) => void;
  onConnect: (source: string) => void;
  onDisconnect: (index: number) => void;
}

const wayText = (h: Handle): string =>
  h.error ? "If it fails" : h.name === undefined ? "Then" : line(h.name, 40);

export function Connections({
  document,
  node,
  types,
  readOnly,
  onOpen,
  onAdd,
  onConnect,
  onDisconnect,
}: ConnectionsProps) {
  const f = flow(document);
  const name = (id: string) => line(f.byId.get(id)?.name ?? id, 60);
  const into = f.into.get(node) ?? [];
  const out = f.out.get(node) ?? [];
  const ways = handles(document, node, types).filter((h) => !h.error || out.some((e) => e.handle === h.name));
  return (
    <section class="connections" aria-label="Connections">
      {into.length > 0 && (
        <div class="edit-way">
          <span class="edit-way-name muted">After</span>
          <ul>
            {into.map((e) => (
              <li key={e.index}>
                <button type="button" class="link" onClick={() => onOpen(e.source)}>
                  {name(e.source)}
                </button>
                {e.handle !== undefined && <span class="tag">{line(e.handle, 40)}</span>}
                {!readOnly && (
                  <IconButton
                    icon="close"
                    small
                    label={`Disconnect from ${name(e.source)}`}
                    onClick={() => onDisconnect(e.index)}
                  />
                )}
              </li>
            ))}
          </ul>
        </div>
      )}
      {ways.map((h) => {
        const edges = out.filter((e) => e.handle === h.name);
        return (
          <div class={`edit-way${h.error ? " error" : ""}`} key={h.name ?? ""}>
            <span class="edit-way-name muted">{wayText(h)}</span>
            <ul>
              {edges.map((e) => (
                <li key={e.index}>
                  <button type="button" class="link" onClick={() => onOpen(e.target)}>
                    {name(e.target)}
                  </button>
                  {!readOnly && (
                    <IconButton
                      icon="plus"
                      small
                      label={`Insert a node before ${name(e.target)}`}
                      onClick={() => onAdd({ edge: e.index })}
                    />
                  )}
                  {!readOnly && (
                    <IconButton
                      icon="close"
                      small
                      label={`Disconnect from ${name(e.target)}`}
                      onClick={() => onDisconnect(e.index)}
                    />
                  )}
                </li>
              ))}
              {edges.length === 0 && (
                <li>
                  {readOnly ? (
                    <span class="muted">nothing</span>
                  ) : (
                    <button type="button" class="link" onClick={() => onAdd({ after: node, handle: h.name })}>
                      Add a node
                    </button>
                  )}
                </li>
              )}
            </ul>
          </div>
        );
      })}
      {!readOnly && f.nodes.length > 1 && (
        <Button small icon="link" onClick={() => onConnect(node)}>
          Connect to a node
        </Button>
      )}
    </section>
  );
}

/** Draws an edge by two choices. */
export function ConnectDialog({
  document,
  source,
  types,
  onConnect,
  onClose,
}: {
  document: Json;
  source: string;
  types: ReadonlyMap<string, NodeType>;
  onConnect: (source: string, handle: string | undefined, target: string) => void;
  onClose: () => void;
}) {
  const f = flow(document);
  const ways = handles(document, source, types);
  const [way, setWay] = useState(ways[0]?.name);
  const targets = f.plan.filter((n) => whyNotConnect(document, source, n.id, way) === undefined);
  const [picked, setPicked] = useState<string>();
  const target = targets.some((n) => n.id === picked) ? picked : targets[0]?.id;
  const from = f.byId.get(source);
  if (!from) return null;
  return (
    <Dialog title={`Connect ${line(from.name, 60)}`} onClose={onClose}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (target !== undefined) onConnect(source, way, target);
        }}
        onKeyDown={(e) => {
          if (e.key === "Enter" && e.target instanceof HTMLSelectElement) {
            e.preventDefault();
            e.currentTarget.requestSubmit();
          }
        }}
      >
        {ways.length > 1 && (
          <Field label="When">
            {(ids) => (
              <Select
                {...ids}
                autoFocus
                value={way ?? ""}
                onValue={(v) => setWay(v === "" ? undefined : v)}
                options={ways.map(
                  (h) =>
                    [
                      h.name ?? "",
                      h.error
                        ? "it fails"
                        : h.name === undefined
                          ? "it succeeds"
                          : `it chooses ${line(h.name, 40)}`,
                    ] as const,
                )}
              />
            )}
          </Field>
        )}
        {target === undefined ? (
          <Note tone="idle">Every node that can follow is connected already.</Note>
        ) : (
          <Field label="Then run">
            {(ids) => (
              <Select
                {...ids}
                autoFocus={ways.length <= 1}
                value={target}
                onValue={setPicked}
                options={targets.map(
                  (n) => [n.id, n.name === n.id ? n.id : `${line(n.name, 60)} (${n.id})`] as const,
                )}
              />
            )}
          </Field>
        )}
        <footer class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" icon="link" disabled={target === undefined}>
            Connect
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
