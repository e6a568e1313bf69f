import { apiPath, request } from "../api/client";
import { useData } from "../api/data";
import type { NodeType } from "../api/types";
import { Capabilities } from "../nodes/Capabilities";
import { parseNodes } from "../nodes/exact";
import { NodeDetail } from "../nodes/NodeDetail";
import { href, type Route } from "../router";
import { Icon } from "../ui/icons";
import { SearchedTable } from "../ui/searched";
import { Empty, Note } from "../ui/show";
import { line } from "../ui/text";

export function Nodes({ route }: { route: Route }) {
  const list = useData("nodes, exactly", async (signal) =>
    parseNodes((await request("GET", apiPath(["nodes"]), { signal })).text),
  );
  const type = route.path[1];
  if (type !== undefined && list.value) {
    const exact = list.value.find((n) => n.node.type === type);
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
  return (
    <div class="stack">
      <div class="page-head">
        <h1>Node types</h1>
      </div>
      <p class="muted lead">
        What nodes of a workflow can do. Each is a WebAssembly module in a sandbox: it may do only what the
        operator allows.
      </p>
      <SearchedTable
        screen="nodes"
        query={route.query.get("q") ?? ""}
        rows={list.value?.map((n) => n.node)}
        textOf={(n) => `${n.type} ${n.summary}`}
        error={list.error}
        retry={list.reload}
        empty={
          <Empty icon="node" title="No node types">
            <p>The server's config loads none. The built-in ones are there unless they are switched off.</p>
          </Empty>
        }
        label="Search node types"
        noun="node type"
        none="No node type matches"
        columns={["Type", "Source", "Capabilities", "Handles"]}
        class="node-types"
        row={(n) => <Row key={n.type} node={n} />}
      />
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
