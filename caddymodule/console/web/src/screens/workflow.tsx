// A workflow: its graph and forms, its document, and a place to try it.
import { useEffect, useState } from "preact/hooks";
import { canWrite } from "../api/session";
import { useNodeTypes, useStatus } from "../api/lists";
import type { Problem } from "../api/types";
import { flow, problemAt } from "../flow/document";
import { type Base, dropDraft, type Draft } from "../flow/drafts";
import { showProblem } from "../forms/problems";
import { href, navigate, type Route } from "../router";
import { Button, ButtonLink, TabLinks } from "../ui/controls";
import { say, sayError } from "../ui/dialog";
import { lazily } from "../ui/lazy";
import { Empty, LoadError, Note, Skeleton } from "../ui/show";
import { line, visible } from "../ui/text";
import { useSample, useWorkflow, useWorkflowRow } from "../workflow/data";
import { GraphTab, typing } from "../workflow/GraphTab";
import { Header } from "../workflow/Header";
import { save } from "../workflow/save";
import { parts } from "../workflow/load";
import { useValidation } from "../workflow/validation";

const DocumentTab = lazily(() => parts().then((m) => m.DocumentTab));
const Try = lazily(() => parts().then((m) => m.Try));
const ConflictDialog = lazily(() => parts().then((m) => m.ConflictDialog), null);

export function Workflow({ route }: { route: Route }) {
  const id = route.path[1] ?? "";
  const { draft, stored, data } = useWorkflow(id);
  if (draft) return <Editor key={id} draft={draft} stored={stored} route={route} />;
  if (stored?.revision === 0) {
    return (
      <Empty icon="workflow" title="There is no such workflow" alone>
        <p>
          No workflow has the ID <code>{visible(id)}</code>. It may have been deleted.
        </p>
        <ButtonLink href={href([])}>Go to the workflows</ButtonLink>
      </Empty>
    );
  }
  return (
    <>
      <LoadError error={data.error} retry={data.reload} />
      {!data.error && <Skeleton lines={8} />}
    </>
  );
}

const tabs = ["graph", "document", "try"] as const;

function Editor({ draft, stored, route }: { draft: Draft; stored: Base | undefined; route: Route }) {
  const id = draft.id;
  const tab = tabs.find((t) => t === route.path[2]) ?? "graph";
  const types = useNodeTypes();
  const status = useStatus();
  const row = useWorkflowRow(id);
  const sample = useSample(id);
  const checked = useValidation(draft);
  const [saving, setSaving] = useState(false);
  const [conflict, setConflict] = useState<Base>();
  const [wanted, setWanted] = useState<{ node?: string; edge?: number }>();
  // A link can name the node to show: ?node=id, or .../trigger.
  const linked =
    route.path[2] === "trigger" ? flow(draft.document).trigger?.id : (route.query.get("node") ?? undefined);
  useEffect(() => {
    if (linked !== undefined) setWanted({ node: linked });
  }, [linked]);
  const readOnly = !canWrite();

  const store = async (): Promise<boolean> => {
    if (saving || readOnly) return false;
    setSaving(true);
    try {
      const result = await save(draft);
      if (result.kind === "saved") say("Saved.");
      else if (result.kind === "conflict") setConflict(result.theirs);
      else say(result.message, { tone: "bad" });
      return result.kind === "saved";
    } catch (e) {
      sayError(e);
      return false;
    } finally {
      setSaving(false);
    }
  };
  useEffect(() => {
    const onKey = (e: KeyboardEvent) => {
      if (!(e.ctrlKey || e.metaKey) || e.altKey || readOnly) return;
      const target = e.composedPath()[0] as HTMLElement;
      const key = e.key.toLowerCase();
      if (key === "s") {
        if (draft.dirty) void store();
      } else if (typing(target) || target.closest("dialog")) return;
      else if (key === "z" && !e.shiftKey) draft.undo();
      else if (key === "y" || key === "z") draft.redo();
      else return;
      e.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
  const leave = () => {
    dropDraft(id);
    navigate(href([]));
    say(`${line(id, 64)} was discarded.`);
  };
  const goTo = (p: Problem) => {
    const at = problemAt(p.path);
    const node =
      at?.list === "nodes" ? flow(draft.document).nodes.find((n) => n.index === at.index)?.id : undefined;
    if (at && (node !== undefined || at.list === "edges") && !draft.content.error) {
      setWanted(node === undefined ? { edge: at.index } : { node });
      if (node !== undefined) showProblem(node, p.path);
      navigate(href(["workflows", id]));
    } else navigate(href(["workflows", id, "document"]));
  };
  const newer =
    !saving &&
    stored !== undefined &&
    draft.base.revision > 0 &&
    draft.dirty &&
    (stored.revision > draft.base.revision || stored.revision === 0);
  const gone = stored?.revision === 0 && draft.base.revision > 0;

  return (
    <div class={`editor on-${tab}`}>
      <Header
        draft={draft}
        row={row}
        checked={checked}
        readOnly={readOnly}
        saving={saving}
        onSave={() => void store()}
        onProblem={goTo}
        onDiscard={() => {
          if (draft.base.revision === 0) {
            leave();
            return;
          }
          draft.take(stored && stored.revision > 0 ? stored : draft.base);
          say("The changes were discarded. Undo brings them back.");
        }}
      />
      <div class="editor-tabs">
        <TabLinks
          label="Parts of the workflow"
          tabs={[
            { href: href(["workflows", id]), text: "Graph", current: tab === "graph" },
            { href: href(["workflows", id, "document"]), text: "Document", current: tab === "document" },
            { href: href(["workflows", id, "try"]), text: "Try", current: tab === "try" },
            { href: href(["executions"], { workflow: id }), text: "Runs", current: false },
          ]}
        />
        {gone ? (
          <Note
            tone="warn"
            action={
              !readOnly && (
                <Button small onClick={() => setConflict({ revision: 0, text: "" })}>
                  What to do
                </Button>
              )
            }
          >
            The workflow was deleted. What you have here is still complete.
          </Note>
        ) : (
          newer && (
            <Note
              tone="warn"
              action={
                <Button small onClick={() => setConflict(stored)}>
                  Compare
                </Button>
              }
            >
              Saved by somebody else as revision {stored.revision}. You see your changes to{" "}
              {draft.base.revision}.
            </Note>
          )
        )}
      </div>
      <LoadError error={types.error} retry={types.reload} />
      {tab === "graph" && (
        <GraphTab
          draft={draft}
          types={types.value ?? []}
          checked={checked}
          sample={sample}
          endpoints={status.value?.endpoints}
          row={row}
          readOnly={readOnly}
          wanted={wanted}
          onShown={() => setWanted(undefined)}
        />
      )}
      {tab === "document" && (
        <DocumentTab
          text={draft.text}
          problems={checked.problems}
          onText={(text) => draft.type(text)}
          readOnly={readOnly}
        />
      )}
      {tab === "try" && (
        <Try
          workflow={id}
          document={draft.document}
          dirty={draft.dirty}
          onSave={readOnly ? undefined : store}
        />
      )}
      {conflict && (
        <ConflictDialog
          draft={draft}
          theirs={conflict}
          onClose={() => setConflict(undefined)}
          onKeepMine={async () => {
            draft.rebase(conflict);
            setConflict(undefined);
            await store();
          }}
          onTakeTheirs={() => {
            setConflict(undefined);
            if (conflict.revision > 0) draft.take(conflict);
            else leave();
          }}
        />
      )}
    </div>
  );
}
