// What one node type does, may do, and takes.
import { useMemo } from "preact/hooks";
import type { NodeType } from "../api/types";
import { type Json, stringify } from "../json/lossless";
import { href } from "../router";
import { CopyButton, Button } from "../ui/controls";
import { download } from "../ui/download";
import { Icon } from "../ui/icons";
import { Note } from "../ui/show";
import { bytes, line, plural, visible } from "../ui/text";
import { MoreRows, useMore } from "../ui/more";
import { Capabilities } from "./Capabilities";
import type { Exact } from "./exact";
import { type FieldRow, fields } from "./schema";

export function NodeDetail({ exact }: { exact: Exact }) {
  const { node } = exact;
  const name = line(node.type, 80);
  return (
    <div class="stack">
      <div class="page-head">
        <div class="crumbs">
          <a href={href(["nodes"])}>Node types</a>
          <Icon name="right" size={16} />
          <h1>{name}</h1>
        </div>
      </div>
      {node.summary && <p class="lead">{line(node.summary, 600)}</p>}
      {node.slow && node.slow.length > 0 && (
        <Note tone="warn">
          Each call gets a new instance, which is slow: the module cannot be put back to its snapshot.
          <ul class="plain-list">
            {node.slow.slice(0, 20).map((why) => (
              <li key={why}>{line(why, 300)}</li>
            ))}
          </ul>
        </Note>
      )}
      <div class="two">
        <section class="card">
          <header>
            <h2>Module</h2>
          </header>
          <dl class="facts body">
            <dt>Version</dt>
            <dd class="mono">{line(node.version, 64)}</dd>
            <dt>Source</dt>
            <dd>{node.builtin ? "Built in" : <span class="mono">{line(node.source, 300)}</span>}</dd>
            <dt>SHA-256</dt>
            <dd class="row nowrap">
              <code class="cut" title={node.digest}>
                {node.digest || "–"}
              </code>
              {node.digest && <CopyButton text={node.digest} label="Copy the digest" />}
            </dd>
            <dt>Handles</dt>
            <dd>
              <Handles node={node} />
            </dd>
          </dl>
        </section>
        <section class="card">
          <header>
            <h2>Limits and grants</h2>
          </header>
          <dl class="facts body">
            <dt>Capabilities</dt>
            <dd>
              <Capabilities node={node} all />
            </dd>
            <dt>Memory</dt>
            <dd>{bytes(node.memory)} for a call</dd>
            <dt>Timeout</dt>
            <dd>{line(node.timeout, 40)} for a call</dd>
            <dt>Fuel</dt>
            <dd>{node.fuel ? `${node.fuel.toLocaleString("en")} for a call` : "no budget of its own"}</dd>
          </dl>
        </section>
      </div>
      <Config exact={exact} />
    </div>
  );
}

function Handles({ node }: { node: NodeType }) {
  const fixed = node.handles ?? [];
  if (fixed.length === 0 && !node.handlesFrom)
    return <span class="muted">none: its edges are followed when it succeeds</span>;
  return (
    <span class="row tags">
      {fixed.slice(0, 50).map((h) => (
        <code class="tag" key={h}>
          {line(h, 60)}
        </code>
      ))}
      {fixed.length > 50 && <span class="muted">and {fixed.length - 50} more</span>}
      {node.handlesFrom && (
        <span class="muted">
          {fixed.length > 0 && "and "}those that the config names in{" "}
          <code>{line(node.handlesFrom, 120)}</code>
        </span>
      )}
    </span>
  );
}

/** The fields of the config, and the schema as it is. */
function Config({ exact }: { exact: Exact }) {
  const { node, schema } = exact;
  const { rows, cut } = useMemo(() => fields(schema), [schema]);
  const more = useMore(rows, node.type, 300);
  const notes = defaults(exact);
  return (
    <section class="card">
      <header>
        <h2>Config</h2>
        {rows.length > 0 && (
          <span class="muted small">{plural(rows.filter((r) => !r.head).length, "field")}</span>
        )}
      </header>
      {rows.length === 0 && (
        <p class="body muted">
          {schema === undefined
            ? "The node has no schema: it takes any object."
            : "Its schema names no fields: it is below."}
        </p>
      )}
      {rows.length > 0 && (
        <div class="scroll-x" tabIndex={0} role="region" aria-label="Fields of the config">
          <table class="table fields">
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Type</th>
                <th scope="col">Default</th>
                <th scope="col">Meaning</th>
              </tr>
            </thead>
            <tbody>
              {more.shown.map((row, i) => (
                <Field key={i} row={row} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <MoreRows more={more} />
      {cut && <p class="body muted">There are more fields: see the schema.</p>}
      {notes.length > 0 && (
        <ul class="body plain-list muted small">
          {notes.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {schema !== undefined && <Raw type={node.type} schema={schema} />}
    </section>
  );
}

function Field({ row }: { row: FieldRow }) {
  return (
    <tr class={row.head ? "head" : undefined}>
      <th scope="row" style={{ paddingLeft: `${16 + 20 * row.depth}px` }}>
        {row.head ? <em>{line(row.name, 200)}</em> : <code>{line(row.name, 120)}</code>}
        {row.required && <span class="tag must">required</span>}
      </th>
      <td>{row.head && /^(?:any|object)$/.test(row.type) ? "" : line(row.type, 600)}</td>
      <td>{row.default !== undefined && <code>{line(row.default, 130)}</code>}</td>
      <td class="muted">{line(row.text, 600)}</td>
    </tr>
  );
}

/** What is added to configs, and what takes no templates. */
function defaults({ node, defaults: values }: Exact): string[] {
  const list = (node.defaults ?? [])
    .slice(0, 50)
    .map(({ with: other, key }, i) =>
      line(`Without ${key}${other ? `, and with ${other}` : ""}, it gets ${values[i]}.`, 300),
    );
  if (node.fixed?.length)
    list.push(
      line(`No templates in: ${node.fixed.join(", ")}. It is prepared when the document is stored.`, 400),
    );
  return list;
}

/** The longest part of a schema that is shown. */
const maxShown = 60_000;

function Raw({ type, schema }: { type: string; schema: Json }) {
  const text = stringify(schema, 2);
  return (
    <details class="raw">
      <summary>JSON Schema</summary>
      <div class="body stack tight">
        <div class="row">
          <CopyButton text={text} label="Copy the schema" />
          <Button small icon="download" onClick={() => download(`${type}.schema.json`, text)}>
            Download
          </Button>
        </div>
        <pre class="text" tabIndex={0}>
          {visible(text.slice(0, maxShown))}
          {text.length > maxShown && "\n…"}
        </pre>
      </div>
    </details>
  );
}
