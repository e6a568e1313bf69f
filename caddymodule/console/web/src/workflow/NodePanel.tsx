// The selected node: its name, id and type, its connections, and its form.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Endpoint, ExecutionRecord, NodeType, Problem, WorkflowRow } from "../api/types";
import { type FlowNode, triggerType, validId } from "../flow/document";
import type { Place } from "../flow/edits";
import { NodeForm } from "../forms/NodeForm";
import { TriggerForm } from "../forms/TriggerForm";
import type { Json } from "../json/lossless";
import { Button, Field, IconButton, TextInput } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Icon, iconOfType } from "../ui/icons";
import { Menu } from "../ui/menu";
import { line } from "../ui/text";
import { Connections } from "./Connections";

export interface NodePanelProps {
  document: Json;
  node: FlowNode;
  types: readonly NodeType[];
  byType: ReadonlyMap<string, NodeType>;
  problems: readonly Problem[];
  sample?: ExecutionRecord;
  endpoints?: readonly Endpoint[];
  row?: WorkflowRow;
  readOnly: boolean;
  /** The keyboard has opened it: the focus follows. */
  focus: boolean;
  onChange: (document: Json, change: { coalesce?: string }) => void;
  onClose: () => void;
  onOpen: (id: string) => void;
  onAdd: (place: Place) => void;
  onConnect: (source: string) => void;
  onDisconnect: (index: number) => void;
  onDelete: () => void;
  onDuplicate: () => void;
  onRename: (to: string) => void;
}

export function NodePanel(props: NodePanelProps) {
  const { document, node, types, byType, problems, sample, readOnly, onChange } = props;
  const [renaming, setRenaming] = useState(false);
  const isTrigger = node.type === triggerType;
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (props.focus) title.current?.focus({ preventScroll: true });
  }, []);
  const form = { document, node: node.id, problems, sample, readOnly, onChange };
  return (
    <section class="edit-panel" aria-label={`Node ${line(node.name, 80)}`} data-edit-panel={node.id}>
      <header>
        <span class={`tile${isTrigger ? " trigger" : ""}`}>
          <Icon name={iconOfType(node.type)} size={18} />
        </span>
        <div class="names">
          <h2 class="cut" ref={title} tabIndex={-1}>
            {line(node.name, 80)}
          </h2>
          <p class="small muted cut">
            <span class="mono">{line(node.id, 70)}</span>
            {node.id !== node.type && <> · {line(node.type, 64)}</>}
          </p>
        </div>
        {!readOnly && (
          <Menu
            label={`Actions for ${line(node.name, 60)}`}
            items={[
              { text: "Change the ID", icon: "edit", onSelect: () => setRenaming(true) },
              {
                text: "Duplicate",
                icon: "copy",
                onSelect: props.onDuplicate,
                because: isTrigger ? "A workflow has one trigger." : undefined,
              },
              {
                text: "Delete",
                icon: "trash",
                danger: true,
                onSelect: props.onDelete,
                because: isTrigger ? "A workflow needs its trigger." : undefined,
              },
            ]}
          />
        )}
        <IconButton icon="close" label="Close, back to the list of nodes" onClick={props.onClose} />
      </header>
      <div class="edit-panel-body">
        <Connections
          document={document}
          node={node.id}
          types={byType}
          readOnly={readOnly}
          onOpen={props.onOpen}
          onAdd={props.onAdd}
          onConnect={props.onConnect}
          onDisconnect={props.onDisconnect}
        />
        {isTrigger ? (
          <TriggerForm {...form} endpoints={props.endpoints} row={props.row} />
        ) : (
          <NodeForm {...form} types={types} />
        )}
      </div>
      {renaming && (
        <RenameDialog
          node={node}
          onClose={() => setRenaming(false)}
          onRename={(to) => {
            setRenaming(false);
            props.onRename(to);
          }}
        />
      )}
    </section>
  );
}

function RenameDialog({
  node,
  onRename,
  onClose,
}: {
  node: FlowNode;
  onRename: (to: string) => void;
  onClose: () => void;
}) {
  const [id, setId] = useState(node.id);
  const field = useRef<HTMLDivElement>(null);
  useEffect(() => {
    field.current?.querySelector("input")?.select();
  }, []);
  const wrong = validId(id)
    ? undefined
    : "An ID is a letter or digit, then at most 63 letters, digits, - or _.";
  return (
    <Dialog title="Change the ID" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(e) => {
          e.preventDefault();
          if (!wrong) onRename(id);
        }}
      >
        <div ref={field}>
          <Field label="ID" error={wrong} hint="Templates, scripts and edges that name the node follow.">
            {(ids) => <TextInput {...ids} class="mono" value={id} onValue={setId} maxLength={64} autoFocus />}
          </Field>
        </div>
        <footer class="row end">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" look="primary" disabled={wrong !== undefined}>
            Change
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}
