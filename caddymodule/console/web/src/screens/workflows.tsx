import { useMemo, useRef, useState } from "preact/hooks";
import { ApiError, apiPath, request } from "../api/client";
import { forget } from "../api/data";
import { useWorkflows } from "../api/lists";
import { canWrite } from "../api/session";
import type { WorkflowRow } from "../api/types";
import { dirtyDrafts } from "../flow/drafts";
import { href, navigate, type Route } from "../router";
import { SecretDialog } from "../secrets/SecretDialog";
import { BarLegend, BarPatterns } from "../ui/bars";
import { Button, TextInput } from "../ui/controls";
import { say, sayError } from "../ui/dialog";
import { download } from "../ui/download";
import { Icon } from "../ui/icons";
import type { MenuItem } from "../ui/menu";
import { Badge, Empty, LoadError, Note, Skeleton, wordOf } from "../ui/show";
import { line, plural } from "../ui/text";
import { useRuns } from "../workflows/counts";
import { DeleteDialog } from "../workflows/DeleteDialog";
import { withActive } from "../workflows/documents";
import { ImportDialog } from "../workflows/ImportDialog";
import { NewDialog } from "../workflows/NewDialog";
import { matches, nameOf, sorted, type State, stateOf, states, unreadable } from "../workflows/state";
import { WorkflowTable } from "../workflows/Table";

/** The dialog that is open. */
type Open =
  | { kind: "new"; from?: { row: WorkflowRow; text: string } }
  | { kind: "import"; files?: File[] }
  | { kind: "delete"; row: WorkflowRow }
  | { kind: "secret"; row: WorkflowRow };

export function Workflows({ route }: { route: Route }) {
  const list = useWorkflows();
  const runs = useRuns();
  const [open, setOpen] = useState<Open>();
  const drop = useDrop((files) => setOpen({ kind: "import", files }));
  const query = route.query.get("q") ?? "";
  const state = states.find((s) => s === route.query.get("state"));
  const all = useMemo(() => sorted(list.value ?? []), [list.value]);
  const found = useMemo(() => all.filter((row) => query === "" || matches(row, query)), [all, query]);
  const rows = useMemo(
    () => found.filter((row) => state === undefined || stateOf(row) === state),
    [found, state],
  );
  const go = (q: string, s?: State) => navigate(href([], { q, state: s }), true);
  const close = () => setOpen(undefined);

  const fetched = async (row: WorkflowRow) => request("GET", apiPath(["workflows", row.id]));
  const attempt = (action: () => Promise<void>) => () =>
    void action().catch((e: unknown) => {
      sayError(
        e instanceof ApiError && e.status === 412
          ? new Error("Somebody else has changed this workflow meanwhile. Try again.")
          : e,
      );
      list.reload();
    });
  const setActive = async (row: WorkflowRow, active: boolean) => {
    const { text, revision } = await fetched(row);
    await request("PUT", apiPath(["workflows", row.id]), {
      body: withActive(text, active),
      ifRevision: revision,
    });
    say(
      active
        ? `${line(nameOf(row), 60)} is active.`
        : `${line(nameOf(row), 60)} is inactive: its webhooks are answered with 404.`,
    );
    list.reload();
  };
  const actions = (row: WorkflowRow): MenuItem[] => {
    const items: MenuItem[] = [
      { text: "Edit", icon: "edit", onSelect: () => navigate(href(["workflows", row.id])) },
      { text: "Try it", icon: "play", onSelect: () => navigate(href(["workflows", row.id, "try"])) },
      {
        text: "Executions",
        icon: "runs",
        onSelect: () => navigate(href(["executions"], { workflow: row.id })),
      },
      {
        text: "Download",
        icon: "download",
        onSelect: attempt(async () => download(`${row.id}.json`, (await fetched(row)).text)),
      },
    ];
    if (!canWrite()) return items;
    const because = unreadable(row);
    return [
      ...items,
      { text: "Secrets", icon: "key", onSelect: () => setOpen({ kind: "secret", row }) },
      {
        text: "Duplicate",
        icon: "copy",
        because,
        onSelect: attempt(async () =>
          setOpen({ kind: "new", from: { row, text: (await fetched(row)).text } }),
        ),
      },
      row.active
        ? { text: "Deactivate", icon: "stop", because, onSelect: attempt(() => setActive(row, false)) }
        : { text: "Activate", icon: "bolt", because, onSelect: attempt(() => setActive(row, true)) },
      { text: "Delete", icon: "trash", danger: true, onSelect: () => setOpen({ kind: "delete", row }) },
    ];
  };

  const known = new Set(all.map((row) => row.id));
  const unsaved = list.value ? dirtyDrafts().filter((id) => !known.has(id)) : [];
  return (
    <div class="stack" {...(canWrite() ? drop.events : {})}>
      <BarPatterns />
      <div class="page-head">
        <h1>Workflows</h1>
        {canWrite() && (
          <div class="actions">
            <Button icon="upload" onClick={() => setOpen({ kind: "import" })}>
              Import
            </Button>
            <Button icon="plus" look="primary" onClick={() => setOpen({ kind: "new" })}>
              New workflow
            </Button>
          </div>
        )}
      </div>
      <LoadError error={list.error} retry={list.reload} />
      {unsaved.map((id) => (
        <Note key={id} tone="warn" action={<a href={href(["workflows", id])}>Go on</a>}>
          {line(id, 64)} is not saved yet.
        </Note>
      ))}
      {list.value === undefined ? (
        !list.error && (
          <div class="card">
            <Skeleton lines={9} />
          </div>
        )
      ) : all.length === 0 ? (
        <NoWorkflows onNew={() => setOpen({ kind: "new" })} onImport={() => setOpen({ kind: "import" })} />
      ) : (
        <>
          <div class="toolbar" role="search">
            <label class="search">
              <Icon name="search" size={18} />
              <TextInput
                type="search"
                aria-label="Search by name or id"
                placeholder="Search by name or id"
                value={query}
                onValue={(q) => go(q, state)}
              />
            </label>
            <States rows={found} state={state} query={query} />
          </div>
          <div class="list-head">
            <span role="status">
              {rows.length < all.length
                ? `${rows.length.toLocaleString("en")} of ${plural(all.length, "workflow")}`
                : plural(all.length, "workflow")}
            </span>
            <BarLegend />
          </div>
          {rows.length > 0 ? (
            <WorkflowTable rows={rows} runs={runs} actions={actions} />
          ) : (
            <div class="card">
              <Empty icon="search" title="No workflow matches">
                <p>
                  {query && <>No name or id has “{line(query, 60)}”</>}
                  {query && state && ", "}
                  {state && <>in the state {wordOf(state)}</>}.
                </p>
                <Button onClick={() => go("")}>Show all {all.length.toLocaleString("en")}</Button>
              </Empty>
            </div>
          )}
        </>
      )}
      {drop.over && (
        <div class="drop" aria-hidden="true">
          <Icon name="upload" size={40} />
          Drop documents to import them
        </div>
      )}
      {open?.kind === "new" && (
        <NewDialog taken={known} from={open.from} onClose={close} onStored={list.reload} />
      )}
      {open?.kind === "import" && (
        <ImportDialog rows={all} files={open.files} onClose={close} onStored={list.reload} />
      )}
      {open?.kind === "delete" && (
        <DeleteDialog
          row={open.row}
          onClose={close}
          onDeleted={(id) => {
            forget(`secret:${id}`);
            list.reload();
          }}
        />
      )}
      {open?.kind === "secret" && (
        <SecretDialog
          workflow={open.row.id}
          scheme={open.row.scheme ?? ""}
          revision={0}
          live={open.row.secrets}
          onClose={close}
          onStored={list.reload}
        />
      )}
    </div>
  );
}

/** The filter by state: a link for each state that there is. */
function States({ rows, state, query }: { rows: readonly WorkflowRow[]; state?: State; query: string }) {
  const counts = new Map<State, number>();
  for (const row of rows) counts.set(stateOf(row), (counts.get(stateOf(row)) ?? 0) + 1);
  return (
    <nav class="chips" aria-label="Filter by state">
      <a href={href([], { q: query })} aria-current={state === undefined ? "true" : undefined}>
        All <span class="number">{rows.length.toLocaleString("en")}</span>
      </a>
      {states
        .filter((s) => counts.has(s) || s === state)
        .map((s) => (
          <a key={s} href={href([], { q: query, state: s })} aria-current={state === s ? "true" : undefined}>
            <Badge state={s} /> <span class="number">{(counts.get(s) ?? 0).toLocaleString("en")}</span>
          </a>
        ))}
    </nav>
  );
}

function NoWorkflows({ onNew, onImport }: { onNew: () => void; onImport: () => void }) {
  return (
    <div class="card">
      <Empty icon="workflow" title="No workflows yet">
        <p>
          A workflow answers webhooks: it begins with a trigger, and its nodes do what has to be done. Create
          one here, or import a document: drop its file on this page, or use <code>caddy flowtrux apply</code>
          .
        </p>
        {canWrite() && (
          <div class="row">
            <Button icon="plus" look="primary" onClick={onNew}>
              New workflow
            </Button>
            <Button icon="upload" onClick={onImport}>
              Import
            </Button>
          </div>
        )}
      </Empty>
    </div>
  );
}

/** Takes files that are dropped on the page. */
function useDrop(take: (files: File[]) => void) {
  const [over, setOver] = useState(false);
  const depth = useRef(0); // elements inside each send their own events
  const hasFiles = (e: DragEvent) => e.dataTransfer?.types.includes("Files") ?? false;
  const move = (by: number) => (e: DragEvent) => {
    if (!hasFiles(e)) return;
    e.preventDefault();
    depth.current = Math.max(0, depth.current + by);
    setOver(depth.current > 0);
  };
  const events = {
    onDragEnter: move(1),
    onDragLeave: move(-1),
    onDragOver: (e: DragEvent) => {
      if (hasFiles(e)) e.preventDefault();
    },
    onDrop: (e: DragEvent) => {
      if (!hasFiles(e)) return;
      e.preventDefault();
      depth.current = 0;
      setOver(false);
      take([...(e.dataTransfer?.files ?? [])]);
    },
  };
  return { over, events };
}
