// Importing documents: files or a pasted text, checked before anything is stored.
import { useEffect, useRef, useState } from "preact/hooks";
import type { WorkflowRow } from "../api/types";
import { href } from "../router";
import { Button, Field, Switch, TextArea } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Badge, Problems } from "../ui/show";
import { line, plural, visible } from "../ui/text";
import { stateOf } from "./state";
import { check, type Item, itemOf, itemOfFile, maxDocument, maxFiles, store } from "./importing";

const badges = {
  checking: ["pending", "checking"],
  ready: ["live", "valid"],
  wrong: ["invalid", "not valid"],
  storing: ["pending", "storing"],
  stored: ["live", "stored"],
} as const;

interface ImportDialogProps {
  rows: readonly WorkflowRow[];
  files?: readonly File[];
  onClose: () => void;
  onStored: () => void;
}

export function ImportDialog({ rows, files, onClose, onStored }: ImportDialogProps) {
  const [items, setItems] = useState<Item[]>([]);
  const [pasted, setPasted] = useState("");
  const [left, setLeft] = useState(0);
  const [busy, setBusy] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const open = useRef(true);
  useEffect(
    () => () => {
      open.current = false;
    },
    [],
  );

  const update = (item: Item) => {
    if (open.current) setItems((old) => old.map((o) => (o.key === item.key ? item : o)));
  };
  const add = async (next: Item[]) => {
    setItems((old) => [
      ...old.filter((o) => !next.some((n) => n.from === o.from && o.state !== "stored")),
      ...next,
    ]);
    for (const item of next) {
      if (!open.current) return;
      if (item.state === "checking") update(await check(item));
    }
  };
  const addFiles = async (list: readonly File[]) => {
    setLeft(Math.max(0, list.length - maxFiles));
    const read = await Promise.all(list.slice(0, maxFiles).map(itemOfFile));
    if (open.current) await add(read);
  };
  useEffect(() => {
    if (files?.length) void addFiles(files);
  }, [files]);

  const revisions = new Map(rows.map((row) => [row.id, row.revision]));
  const missing = new Set(rows.filter((row) => stateOf(row) === "no_secret").map((row) => row.id));
  const exists = (item: Item) => item.state !== "stored" && revisions.has(item.id);
  const chosen = items.filter((i) => i.state === "ready" && (!exists(i) || i.replace));
  const run = async () => {
    setBusy(true);
    for (const item of chosen) {
      if (!open.current) break;
      update({ ...item, state: "storing", reason: undefined });
      update(await store(item, revisions.get(item.id) ?? 0));
    }
    onStored();
    if (open.current) setBusy(false);
  };
  const stored = items.filter((i) => i.state === "stored").length;

  return (
    <Dialog title="Import workflows" keep={items.length > 0 || pasted !== ""} onClose={onClose}>
      <div class="import-pick">
        <Button icon="upload" onClick={() => picker.current?.click()}>
          Choose files
        </Button>
        <span class="muted small">JSON documents, or drop them on the list of workflows.</span>
        <input
          ref={picker}
          type="file"
          accept=".json,application/json"
          multiple
          hidden
          aria-label="Documents"
          onChange={(e) => {
            void addFiles([...(e.currentTarget.files ?? [])]);
            e.currentTarget.value = "";
          }}
        />
      </div>
      <form
        class="stack tight"
        onSubmit={(e) => {
          e.preventDefault();
          void add([itemOf("pasted.json", pasted)]);
        }}
      >
        <Field label="Or paste a document">
          {(ids) => (
            <TextArea
              {...ids}
              value={pasted}
              onValue={setPasted}
              maxLength={maxDocument}
              rows={4}
              placeholder='{"id": "order-intake", "nodes": […], "edges": […]}'
            />
          )}
        </Field>
        <div>
          <Button small type="submit" disabled={pasted.trim() === ""}>
            Check
          </Button>
        </div>
      </form>
      {left > 0 && (
        <p class="tone-warn">
          {plural(left, "file")} more were not taken: {maxFiles} at most at once.
        </p>
      )}
      {items.length > 0 && (
        <ul class="import-list" aria-label="Documents">
          {items.map((item) => (
            <li key={item.key}>
              <div class="row between">
                <span class="cut grow">
                  <strong class="mono">{line(item.id, 64)}</strong>{" "}
                  <span class="muted small">
                    {line(item.from, 80)}
                    {item.nodes !== undefined && `, ${plural(item.nodes, "node")}`}
                  </span>
                </span>
                <Badge state={badges[item.state][0]} word={badges[item.state][1]} />
              </div>
              {item.state === "ready" && exists(item) && (
                <Switch
                  label={`Replace the workflow that is stored now (revision ${revisions.get(item.id)})`}
                  checked={item.replace}
                  disabled={busy}
                  onValue={(replace) => update({ ...item, replace })}
                />
              )}
              {item.reason && <p class="tone-bad small wrap">{visible(item.reason.slice(0, 1000))}</p>}
              {item.problems.length > 0 && <Problems list={item.problems} />}
              {item.state === "stored" && (
                <p class="small">
                  <a href={href(["workflows", item.id])} onClick={onClose}>
                    Open
                  </a>
                  {missing.has(item.id) && " · It has no secret yet, and refuses webhooks until it has one."}
                  {item.secretMoved && " · The secret in the document is the workflow's secret now."}
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
      <footer>
        <Button onClick={onClose}>{stored > 0 && chosen.length === 0 ? "Done" : "Cancel"}</Button>
        <Button look="primary" busy={busy} disabled={chosen.length === 0} onClick={() => void run()}>
          {chosen.length > 0 ? `Import ${plural(chosen.length, "workflow")}` : "Import"}
        </Button>
      </footer>
    </Dialog>
  );
}
