import { useState } from "preact/hooks";
import { useSecrets, useWorkflows } from "../api/lists";
import { canWrite } from "../api/session";
import type { SecretRow, WorkflowRow } from "../api/types";
import { href, type Route } from "../router";
import { endsSoon, Expiries } from "../secrets/expiry";
import { aboutScheme } from "../secrets/schemes";
import { SecretDialog } from "../secrets/SecretDialog";
import { Button } from "../ui/controls";
import { SearchedTable } from "../ui/searched";
import { Badge, Empty } from "../ui/show";
import { line } from "../ui/text";

/** A secret, and the workflow that it belongs to. One of the two may be missing. */
interface Pair {
  id: string;
  secret?: SecretRow;
  workflow?: WorkflowRow;
}

/** How urgent a row is: the least first. */
function rank({ secret, workflow }: Pair): number {
  if (!secret || secret.problem || secret.live === 0) return workflow?.active === false ? 2 : 0;
  if (endsSoon(secret)) return 1;
  return workflow ? 3 : 4;
}

/** Brings secrets and workflows together. Workflows that take no webhooks need no secret. */
function pairs(secrets: readonly SecretRow[], workflows: readonly WorkflowRow[]): Pair[] {
  const known = new Map(workflows.map((w) => [w.id, w]));
  const byId = new Map<string, Pair>(
    workflows.filter((w) => w.trigger === "webhook").map((w) => [w.id, { id: w.id, workflow: w }]),
  );
  for (const secret of secrets)
    byId.set(secret.id, { id: secret.id, secret, workflow: known.get(secret.id) });
  return [...byId.values()].sort((a, b) => rank(a) - rank(b) || (a.id < b.id ? -1 : 1));
}

export function Secrets({ route }: { route: Route }) {
  const secrets = useSecrets();
  const workflows = useWorkflows();
  const [open, setOpen] = useState<string>();
  const all = secrets.value && workflows.value && pairs(secrets.value, workflows.value);
  const chosen = all?.find((p) => p.id === open);
  const reload = () => {
    secrets.reload();
    workflows.reload();
  };

  return (
    <div class="stack">
      <div class="page-head">
        <h1>Secrets</h1>
      </div>
      <p class="muted lead">
        Senders sign webhooks with the secret of a workflow. What is stored is never shown again: only how
        many secrets there are, and until when they are valid.
      </p>
      <SearchedTable
        screen="secrets"
        query={route.query.get("q") ?? ""}
        rows={all}
        textOf={(p) => `${p.id} ${p.workflow?.name ?? ""}`}
        error={secrets.error ?? workflows.error}
        retry={reload}
        empty={
          <Empty icon="secret" title="No secrets yet">
            <p>
              Each workflow that webhooks start has a secret of its own. Create a workflow first: its secret
              is generated with it.
            </p>
            <a class="button" href="#/">
              <span>Go to the workflows</span>
            </a>
          </Empty>
        }
        label="Search by workflow"
        noun="workflow"
        none="No workflow matches"
        columns={["Workflow", "Scheme", "Secrets"]}
        actions
        row={(p) => <Row key={p.id} pair={p} onOpen={() => setOpen(p.id)} />}
      />
      {chosen && (
        <SecretDialog
          workflow={chosen.id}
          scheme={chosen.workflow?.scheme ?? ""}
          revision={chosen.secret?.revision ?? 0}
          live={chosen.secret?.live ?? 0}
          onClose={() => setOpen(undefined)}
          onStored={reload}
        />
      )}
    </div>
  );
}

function Row({ pair, onOpen }: { pair: Pair; onOpen: () => void }) {
  const { id, secret, workflow } = pair;
  const name = line(workflow?.name || id, 120);
  const missing = !secret || (secret.live === 0 && !secret.problem);
  return (
    <tr>
      <th scope="row">
        {workflow ? (
          <a class="name" href={href(["workflows", id])}>
            {name}
          </a>
        ) : (
          <span class="name">{line(id, 64)}</span>
        )}
        <span class="id mono muted">
          {workflow ? line(id, 64) : <span class="tag">no workflow has this id</span>}
        </span>
      </th>
      <td class="muted" data-label="Scheme">
        {workflow ? aboutScheme(workflow.scheme).name : "–"}
      </td>
      <td>
        {secret ? <Expiries row={secret} /> : <Badge state="no_secret" />}
        {!secret && workflow?.active && <span class="muted small"> all its webhooks are refused</span>}
      </td>
      <td class="actions">
        <Button
          small
          icon="key"
          onClick={onOpen}
          aria-label={`${canWrite() ? (missing ? "Set" : "Rotate") : "Show"} the secret of ${name}`}
        >
          {canWrite() ? (missing ? "Set" : "Rotate") : "Show"}
        </Button>
      </td>
    </tr>
  );
}
