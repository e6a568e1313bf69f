import { useState } from "preact/hooks";
import { useSecrets, useWorkflows } from "../api/lists";
import { canWrite } from "../api/session";
import type { SecretRow, WorkflowRow } from "../api/types";
import { href, navigate, type Route } from "../router";
import { endsSoon, Expiries } from "../secrets/expiry";
import { aboutScheme } from "../secrets/schemes";
import { SecretDialog } from "../secrets/SecretDialog";
import { Button, TextInput } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Badge, Empty, LoadError, Skeleton } from "../ui/show";
import { line, plural } from "../ui/text";
import { MoreRows, useMore } from "../ui/more";

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
  const query = route.query.get("q") ?? "";
  const loaded = secrets.value !== undefined && workflows.value !== undefined;
  const all = loaded ? pairs(secrets.value!, workflows.value!) : [];
  const found = all.filter((p) =>
    `${p.id} ${p.workflow?.name ?? ""}`.toLowerCase().includes(query.toLowerCase()),
  );
  const more = useMore(found, query);
  const chosen = all.find((p) => p.id === open);
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
      <LoadError error={secrets.error ?? workflows.error} retry={reload} />
      {!loaded ? (
        !(secrets.error ?? workflows.error) && (
          <div class="card">
            <Skeleton lines={6} />
          </div>
        )
      ) : all.length === 0 ? (
        <div class="card">
          <Empty icon="secret" title="No secrets yet">
            <p>
              Each workflow that webhooks start has a secret of its own. Create a workflow first: its secret
              is generated with it.
            </p>
            <a class="button" href="#/">
              <span>Go to the workflows</span>
            </a>
          </Empty>
        </div>
      ) : (
        <>
          <div class="toolbar" role="search">
            <label class="search">
              <Icon name="search" size={18} />
              <TextInput
                type="search"
                aria-label="Search by workflow"
                placeholder="Search by workflow"
                value={query}
                onValue={(q) => navigate(href(["secrets"], { q }), true)}
              />
            </label>
            <span class="muted small" role="status">
              {plural(found.length, "workflow")}
            </span>
          </div>
          <div class="table-box">
            <table class="table as-cards">
              <thead>
                <tr>
                  <th scope="col">Workflow</th>
                  <th scope="col">Scheme</th>
                  <th scope="col">Secrets</th>
                  <th scope="col">
                    <span class="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {more.shown.map((p) => (
                  <Row key={p.id} pair={p} onOpen={() => setOpen(p.id)} />
                ))}
              </tbody>
            </table>
            {found.length === 0 && (
              <Empty icon="search" title="No workflow matches">
                <Button onClick={() => navigate(href(["secrets"]), true)}>Show all</Button>
              </Empty>
            )}
          </div>
          <MoreRows more={more} />
        </>
      )}
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
