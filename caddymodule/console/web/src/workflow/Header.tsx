// The head of the editor: what the workflow is called, how it does, what is wrong with it, and Save.
import { useState } from "preact/hooks";
import type { Problem, WorkflowRow } from "../api/types";
import { flow } from "../flow/document";
import type { Draft } from "../flow/drafts";
import { bool, get, set, str, text } from "../json/lossless";
import { href } from "../router";
import { Button, IconButton, Switch } from "../ui/controls";
import { download } from "../ui/download";
import { Icon } from "../ui/icons";
import { lazily } from "../ui/lazy";
import { Menu } from "../ui/menu";
import { Badge, Problems } from "../ui/show";
import { line, plural, visible } from "../ui/text";
import { stateOf } from "../workflows/state";
import type { Checked } from "./validation";

const NameDialog = lazily(() => import("./parts").then((m) => m.NameDialog), null);

interface HeaderProps {
  draft: Draft;
  row?: WorkflowRow;
  checked: Checked;
  readOnly: boolean;
  saving: boolean;
  onSave: () => void;
  onDiscard: () => void;
  onProblem: (p: Problem) => void;
}

export function Header({ draft, row, checked, readOnly, saving, onSave, onDiscard, onProblem }: HeaderProps) {
  const { document, dirty } = draft;
  const [naming, setNaming] = useState(false);
  const [listed, setListed] = useState(false);
  const broken = draft.content.error !== undefined;
  const name = text(get(document, "name")) || draft.id;
  const active = get(document, "active");
  const isActive = !(active?.kind === "boolean" && !active.value);
  return (
    <div class="page-head editor-head">
      <div class="crumbs">
        <a href={href([])}>Workflows</a>
        <Icon name="right" size={16} />
      </div>
      <div class="editor-title">
        <div class="row">
          <h1 title={visible(name)}>{line(name, 120)}</h1>
          {!readOnly && !broken && (
            <IconButton icon="edit" label="Change the name" small onClick={() => setNaming(true)} />
          )}
        </div>
        <p class="row small muted">
          <span class="mono cut">{draft.id}</span>
          {row ? (
            <Badge state={stateOf(row)} />
          ) : (
            draft.base.revision === 0 && <Badge state="inactive" word="not stored yet" />
          )}
          {draft.base.revision > 0 && <span class="number">revision {draft.base.revision}</span>}
          <span class="unsaved" role="status">
            {dirty && (
              <>
                <span class="dot" aria-hidden="true" />
                not saved
              </>
            )}
          </span>
        </p>
      </div>
      <div class="actions">
        {!readOnly && (
          <Switch
            label="Active"
            checked={isActive}
            disabled={broken}
            onValue={(on) => draft.edit(set(document, ["active"], on ? undefined : bool(false)))}
          />
        )}
        <ProblemsButton checked={checked} open={listed} onToggle={() => setListed(!listed)} />
        {!readOnly && (
          <>
            <span class="undo">
              <IconButton
                icon="undo"
                label="Undo (Ctrl+Z)"
                disabled={!draft.canUndo}
                onClick={() => draft.undo()}
              />
              <IconButton
                icon="redo"
                label="Redo (Ctrl+Shift+Z)"
                disabled={!draft.canRedo}
                onClick={() => draft.redo()}
              />
            </span>
            <Button look="primary" busy={saving} disabled={!dirty} onClick={onSave} title="Save (Ctrl+S)">
              Save
            </Button>
          </>
        )}
        <Menu
          label="More"
          items={[
            {
              text: "Download the document",
              icon: "download",
              onSelect: () => download(`${draft.id}.json`, draft.text),
            },
            ...(readOnly
              ? []
              : [
                  {
                    text: "Discard the changes",
                    icon: "undo" as const,
                    onSelect: onDiscard,
                    because: dirty ? undefined : "Nothing was changed.",
                  },
                ]),
          ]}
        />
      </div>
      {listed && (
        <div class="editor-problems card" role="region" aria-label="Problems">
          {checked.problems.length === 0 && checked.warnings.length === 0 && (
            <p class="muted">{checked.failure ?? "No problems."}</p>
          )}
          {checked.problems.length > 0 && (
            <Problems
              list={checked.problems.map((p) => named(p, draft))}
              onGo={(p) => {
                setListed(false);
                onProblem(original(p, checked.problems, draft));
              }}
            />
          )}
          {checked.warnings.length > 0 && (
            <>
              <h3>Warnings</h3>
              <Problems
                list={checked.warnings}
                onGo={(p) => {
                  setListed(false);
                  onProblem(p);
                }}
              />
            </>
          )}
        </div>
      )}
      {naming && (
        <NameDialog
          name={text(get(document, "name")) ?? ""}
          id={draft.id}
          onClose={() => setNaming(false)}
          onName={(to) => {
            setNaming(false);
            draft.edit(set(draft.document, ["name"], to === "" ? undefined : str(to)));
          }}
        />
      )}
    </div>
  );
}

/** A problem as people find it: by the node's name instead of its place. */
function named(p: Problem, draft: Draft): Problem {
  const at = /^nodes\[(\d+)\]\.?(.*)$/s.exec(p.path);
  const node = at && flow(draft.document).nodes.find((n) => n.index === Number(at[1]));
  return node ? { ...p, path: at[2] ? `${node.name}: ${at[2]}` : node.name } : p;
}
const original = (shown: Problem, list: readonly Problem[], draft: Draft): Problem =>
  list.find((p) => p.reason === shown.reason && named(p, draft).path === shown.path) ?? shown;

function ProblemsButton({
  checked,
  open,
  onToggle,
}: {
  checked: Checked;
  open: boolean;
  onToggle: () => void;
}) {
  const { state, problems, warnings } = checked;
  const word =
    problems.length > 0
      ? plural(problems.length, "problem")
      : state === "waiting"
        ? "checking"
        : state === "failed"
          ? "not checked"
          : warnings.length > 0
            ? plural(warnings.length, "warning")
            : "valid";
  const look =
    problems.length > 0
      ? "invalid"
      : state === "waiting"
        ? "pending"
        : state === "failed" || warnings.length > 0
          ? "stale"
          : "serving";
  return (
    <button
      type="button"
      class="problems-button"
      aria-expanded={open}
      aria-label={`Check of the document: ${word}`}
      onClick={onToggle}
    >
      <Badge state={look} word={word} />
    </button>
  );
}
