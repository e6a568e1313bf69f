import { useState } from "preact/hooks";
import { apiPath, request } from "../api/client";
import { useData } from "../api/data";
import { canWrite } from "../api/session";
import { GlobalDialog } from "../globals/GlobalDialog";
import { type Global, kindOf, parseGlobals, preview, secretPrefix } from "../globals/values";
import { href, navigate, type Route } from "../router";
import { Button, CopyButton, TextInput } from "../ui/controls";
import { Icon } from "../ui/icons";
import { MoreRows, useMore } from "../ui/more";
import { Empty, LoadError, Skeleton } from "../ui/show";
import { line, plural } from "../ui/text";

export function Globals({ route }: { route: Route }) {
  const list = useData(
    "globals",
    async (signal) => parseGlobals((await request("GET", apiPath(["globals"]), { signal })).text),
    (e) => e.kind === "global",
  );
  const [open, setOpen] = useState<{ global?: Global }>();
  const query = route.query.get("q") ?? "";
  const all = list.value ?? [];
  const found = all.filter((g) => g.key.toLowerCase().includes(query.toLowerCase()));
  const more = useMore(found, query);
  return (
    <div class="stack">
      <div class="page-head">
        <h1>Globals</h1>
        {canWrite() && (
          <div class="actions">
            <Button icon="plus" look="primary" onClick={() => setOpen({})}>
              New global
            </Button>
          </div>
        )}
      </div>
      <p class="muted lead">
        Values that all workflows can read, as <code>{"{{global.key}}"}</code>. Values of keys that begin with{" "}
        <code>{secretPrefix}</code> are never shown.
      </p>
      <LoadError error={list.error} retry={list.reload} />
      {list.value === undefined ? (
        !list.error && (
          <div class="card">
            <Skeleton lines={6} />
          </div>
        )
      ) : all.length === 0 ? (
        <div class="card">
          <Empty icon="global" title="No globals yet">
            <p>
              A global keeps what several workflows need: the address of a service, a rate, a token. Change it
              in one place, and all workflows use it at once.
            </p>
            {canWrite() && (
              <Button icon="plus" look="primary" onClick={() => setOpen({})}>
                New global
              </Button>
            )}
          </Empty>
        </div>
      ) : (
        <>
          <div class="toolbar" role="search">
            <label class="search">
              <Icon name="search" size={18} />
              <TextInput
                type="search"
                aria-label="Search by key"
                placeholder="Search by key"
                value={query}
                onValue={(q) => navigate(href(["globals"], { q }), true)}
              />
            </label>
            <span class="muted small" role="status">
              {plural(found.length, "global")}
            </span>
          </div>
          <div class="table-box">
            <table class="table as-cards globals">
              <thead>
                <tr>
                  <th scope="col">Key</th>
                  <th scope="col">Value</th>
                  <th scope="col">
                    <span class="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {more.shown.map((g) => (
                  <Row key={g.key} global={g} onOpen={() => setOpen({ global: g })} />
                ))}
              </tbody>
            </table>
            {found.length === 0 && (
              <Empty icon="search" title="No key matches">
                <Button onClick={() => navigate(href(["globals"]), true)}>Show all</Button>
              </Empty>
            )}
          </div>
          <MoreRows more={more} />
        </>
      )}
      {open && (
        <GlobalDialog global={open.global} onClose={() => setOpen(undefined)} onStored={list.reload} />
      )}
    </div>
  );
}

function Row({ global, onOpen }: { global: Global; onOpen: () => void }) {
  const key = line(global.key, 120);
  return (
    <tr>
      <th scope="row">
        <span class="name mono">{key}</span>
      </th>
      <td>
        {global.secret ? (
          <span class="muted">
            <Icon name="key" size={14} /> not shown
          </span>
        ) : (
          <>
            <code class="value-line">{line(preview(global.value), 300)}</code>
            <span class="muted small">{kindOf(global.value)}</span>
          </>
        )}
      </td>
      <td class="actions">
        <span class="row end nowrap">
          {/^[\w-]+$/.test(global.key) && (
            <CopyButton text={`{{global.${global.key}}}`} label={`Copy the template of ${key}`} />
          )}
          {canWrite() && (
            <Button
              small
              icon="edit"
              onClick={onOpen}
              aria-label={`${global.secret ? "Replace" : "Edit"} ${key}`}
            >
              {global.secret ? "Replace" : "Edit"}
            </Button>
          )}
        </span>
      </td>
    </tr>
  );
}
