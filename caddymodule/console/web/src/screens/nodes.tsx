import { apiPath, request } from "../api/client";
import { useData } from "../api/data";
import type { NodeType } from "../api/types";
import { Capabilities } from "../nodes/Capabilities";
import { parseNodes } from "../nodes/exact";
import { NodeDetail } from "../nodes/NodeDetail";
import { href, navigate, type Route } from "../router";
import { Button, TextInput } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Empty, LoadError, Note, Skeleton } from "../ui/show";
import { line, plural } from "../ui/text";

export function Nodes({ route }: { route: Route }) {
  const list = useData("nodes, exactly", async (signal) =>
    parseNodes((await request("GET", apiPath(["nodes"]), { signal })).text),
  );
  const type = route.path[1];
  const query = route.query.get("q") ?? "";
  const all = list.value ?? [];
  if (type !== undefined && list.value) {
    const exact = all.find((n) => n.node.type === type);
    if (exact) return <NodeDetail key={type} exact={exact} />;
    return (
      <div class="stack">
        <div class="page-head">
          <h1>{line(type, 80)}</h1>
        </div>
        <Note tone="warn">
          There is no such node type: the server's config may have changed.{" "}
          <a href={href(["nodes"])}>See all node types.</a>
        </Note>
      </div>
    );
  }
  const found = all
    .map((n) => n.node)
    .filter((n) => `${n.type} ${n.summary}`.toLowerCase().includes(query.toLowerCase()));
  return (
    <div class="stack">
      <div class="page-head">
        <h1>Node types</h1>
      </div>
      <p class="muted lead">
        What nodes of a workflow can do. Each is a WebAssembly module in a sandbox: it may do only what the
        operator allows.
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
          <Empty icon="node" title="No node types">
            <p>The server's config loads none. The built-in ones are there unless they are switched off.</p>
          </Empty>
        </div>
      ) : (
        <>
          <div class="toolbar" role="search">
            <label class="search">
              <Icon name="search" size={18} />
              <TextInput
                type="search"
                aria-label="Search node types"
                placeholder="Search node types"
                value={query}
                onValue={(q) => navigate(href(["nodes"], { q }), true)}
              />
            </label>
            <span class="muted small" role="status">
              {plural(found.length, "node type")}
            </span>
          </div>
          <div class="table-box">
            <table class="table as-cards node-types">
              <thead>
                <tr>
                  <th scope="col">Type</th>
                  <th scope="col">Source</th>
                  <th scope="col">Capabilities</th>
                  <th scope="col">Handles</th>
                </tr>
              </thead>
              <tbody>
                {found.map((n) => (
                  <Row key={n.type} node={n} />
                ))}
              </tbody>
            </table>
            {found.length === 0 && (
              <Empty icon="search" title="No node type matches">
                <Button onClick={() => navigate(href(["nodes"]), true)}>Show all</Button>
              </Empty>
            )}
          </div>
        </>
      )}
    </div>
  );
}

function Row({ node }: { node: NodeType }) {
  const handles = [
    ...(node.handles ?? []).slice(0, 8).map((h) => line(h, 30)),
    ...(node.handlesFrom ? [line(node.handlesFrom, 60)] : []),
  ];
  return (
    <tr>
      <th scope="row">
        <a class="name" href={href(["nodes", node.type])}>
          {line(node.type, 64)}
        </a>
        <span class="muted small">{line(node.summary, 200)}</span>
        {node.slow && node.slow.length > 0 && (
          <span class="tone-warn small">
            <Icon name="warn" size={14} /> slow: a new instance for each call
          </span>
        )}
      </th>
      <td>
        {node.builtin ? "Built\u00a0in" : <span class="mono wrap">{line(node.source, 120)}</span>}
        <span class="muted small block">{line(node.version, 64)}</span>
      </td>
      <td data-label="Capabilities">
        <Capabilities node={node} />
      </td>
      <td class="muted" data-label="Handles">
        {handles.length > 0 ? handles.join(", ") : "none"}
      </td>
    </tr>
  );
}
