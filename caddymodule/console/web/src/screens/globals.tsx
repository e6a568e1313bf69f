import { useState } from "preact/hooks";
import { apiPath, request } from "../api/client";
import { useData } from "../api/data";
import { canWrite } from "../api/session";
import { GlobalDialog } from "../globals/GlobalDialog";
import { type Global, kindOf, parseGlobals, preview, secretPrefix } from "../globals/values";
import type { Route } from "../router";
import { Button, CopyButton } from "../ui/controls";
import { Icon } from "../ui/icons";
import { SearchedTable } from "../ui/searched";
import { Empty } from "../ui/show";
import { line } from "../ui/text";

export function Globals({ route }: { route: Route }) {
  const list = useData(
    "globals",
    async (signal) => parseGlobals((await request("GET", apiPath(["globals"]), { signal })).text),
    (e) => e.kind === "global",
  );
  const [open, setOpen] = useState<{ global?: Global }>();
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
      <SearchedTable
        screen="globals"
        query={route.query.get("q") ?? ""}
        rows={list.value}
        textOf={(g) => g.key}
        error={list.error}
        retry={list.reload}
        empty={
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
        }
        label="Search by key"
        noun="global"
        none="No key matches"
        columns={["Key", "Value"]}
        actions
        class="globals"
        row={(g) => <Row key={g.key} global={g} onOpen={() => setOpen({ global: g })} />}
      />
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
