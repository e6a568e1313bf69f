// What is known of one node of an execution.
import type { ComponentChildren } from "preact";
import type { ExecutionRecord, NodeRecord } from "../api/types";
import { canWrite } from "../api/session";
import { get, type Json, parse, text as textOf } from "../json/lossless";
import { href } from "../router";
import { Text } from "../values/text";
import { ValueBox } from "../values/value";
import { Badge } from "../ui/show";
import { duration, line, visible } from "../ui/text";
import { isEnded } from "./actions";
import { failedNode } from "./bars";
import { Calls } from "./Calls";
import { Logs } from "./Logs";
import { codeLine, linesAround, type RunNode } from "./run";
import { nanos } from "./time";

interface Props {
  record: ExecutionRecord;
  node: RunNode;
  /** The node in the document, if it is known. */
  source?: Json;
}

export function NodePanel({ record, node, source }: Props) {
  const n = node.record;
  const handled = n.state !== "failed" && failedNode(n);
  return (
    <article class="run-node" aria-label={`Node ${node.id}`}>
      <header>
        <h2 class="wrap">{line(node.name, 120)}</h2>
        {!node.trigger && (
          <Badge
            state={n.state}
            tone={handled ? "warn" : undefined}
            word={handled ? "failed, handled" : undefined}
          />
        )}
        <span class="muted small">
          {node.name !== node.id && <code>{visible(node.id)}</code>}{" "}
          {n.type && <span class="tag">{line(n.type, 64)}</span>}
        </span>
        <a class="to-editor small" href={href(["workflows", record.workflow], { node: node.id })}>
          {canWrite() ? "Edit" : "In the workflow"}
        </a>
      </header>
      {node.trigger ? <TriggerPart record={record} /> : <NodePart record={record} n={n} source={source} />}
    </article>
  );
}

function NodePart({ record, n, source }: { record: ExecutionRecord; n: NodeRecord; source?: Json }) {
  const file = `${record.id}-${n.id}`;
  const open = n.state === "running" || n.state === "pending";
  // What only events told has no values; a record has at least the trigger's.
  const seen = !record.trigger && !n.input && !n.output;
  const ran = n.startedAt !== undefined || n.state === "completed";
  return (
    <>
      {n.why && (
        <p class="why">
          <b>It did not run:</b> {visible(n.why)}.
        </p>
      )}
      {!n.why && n.state === "not_run" && (
        <p class="why">
          <b>It did not run:</b> the execution ended before its turn.
        </p>
      )}
      <Facts record={record} n={n} />
      {failedNode(n) && <ErrorPart n={n} source={source} />}
      {n.state === "running" && (
        <p class="muted">It runs. Its input and output are there when the execution has ended.</p>
      )}
      {n.state === "pending" && <p class="muted">It has not begun yet.</p>}
      {ran && !open && seen && (
        <p class="muted">
          {isEnded(record.status)
            ? "Its input and output are not in a record."
            : "Its input and output are there when the execution has ended."}
        </p>
      )}
      {ran && !open && !seen && (
        <>
          <ValueBox title="Input" value={n.input} file={`${file}-input`} none={noInput(n)} />
          <ValueBox
            title="Output"
            value={n.output}
            file={`${file}-output`}
            none={n.state === "failed" ? "None: it failed." : undefined}
          />
        </>
      )}
      {ran && n.fixed && <ValueBox title="Fixed config" value={n.fixed} file={`${file}-fixed`} />}
      {n.logs && n.logs.length > 0 && <Logs lines={n.logs} file={file} />}
      {n.calls && n.calls.length > 0 && <Calls n={n} record={record} file={file} />}
    </>
  );
}

function noInput(n: NodeRecord): ComponentChildren {
  if (n.startedAt === undefined)
    return "It ran before the server was restarted: what it was called with is not known exactly.";
  return n.attempts ? "What it was called with is not known exactly." : "None: it was not called.";
}

function Facts({ record, n }: { record: ExecutionRecord; n: NodeRecord }) {
  const facts: [string, ComponentChildren][] = [];
  const after = nanos(record.startedAt ?? record.acceptedAt, n.startedAt);
  if (n.startedAt) facts.push(["Started", `${duration(Math.max(0, after))} after the execution`]);
  if (n.durationNs !== undefined) facts.push(["Took", duration(n.durationNs)]);
  if (n.machine) facts.push(["Ran on", line(n.machine, 64)]);
  if (n.attempts) facts.push(["Attempts", n.attempts.toLocaleString("en")]);
  if (n.handle) facts.push(["Chose", <code key="handle">{line(n.handle, 80)}</code>]);
  if (n.fuel) facts.push(["Fuel", n.fuel.toLocaleString("en")]);
  if (n.grants?.length)
    facts.push([
      "May use",
      n.grants.map((g) => (
        <span key={g} class="tag">
          {line(g, 80)}
        </span>
      )),
    ]);
  if (facts.length === 0) return null;
  return (
    <dl class="node-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function ErrorPart({ n, source }: { n: NodeRecord; source?: Json }) {
  const at = codeLine(n.message);
  const code = at && codeOf(n, source);
  const lines = at && code !== undefined ? linesAround(code, at.line) : [];
  return (
    <section class={`error-box${n.state === "failed" ? "" : " handled"}`} aria-label="Error">
      <header>
        <h3>Error</h3>
        <code>{line(n.code ?? "", 100)}</code>
      </header>
      {n.message &&
        (n.message.length > maxMessage ? (
          <Text text={n.message} label="Message" first={maxMessage} />
        ) : (
          <p class="wrap">{visible(n.message)}</p>
        ))}
      {lines.length > 0 && (
        <ol class="code-lines" tabIndex={0} aria-label={`The code around line ${at!.line}`}>
          {lines.map((l) => (
            <li
              key={l.n}
              class={l.n === at!.line ? "here" : undefined}
              aria-current={l.n === at!.line ? "true" : undefined}
            >
              <span class="n">{l.n}</span>
              <code>{visible(l.text.slice(0, 400)) || " "}</code>
            </li>
          ))}
        </ol>
      )}
      {n.detail && n.detail !== n.message && (
        <Text text={n.detail} label="More about the error" first={2000} />
      )}
    </section>
  );
}
const maxMessage = 300;

/** The source of a node of code: as it was called, else as the document has it. */
function codeOf(n: NodeRecord, source?: Json): string | undefined {
  for (const part of [n.fixed?.text, n.input?.text]) {
    if (!part) continue;
    try {
      const found = textOf(get(parse(part), "source"));
      if (found !== undefined) return found;
    } catch {
      // What is not JSON has no source.
    }
  }
  return textOf(get(source, "config", "source"));
}

function TriggerPart({ record }: { record: ExecutionRecord }) {
  const t = record.trigger;
  if (!t)
    return (
      <p class="muted">
        {record.endedAt
          ? "What started it was not recorded."
          : "What started it is there when the execution has ended."}
      </p>
    );
  return (
    <>
      <dl class="node-facts">
        {t.method && (
          <div>
            <dt>Method</dt>
            <dd>{visible(t.method)}</dd>
          </div>
        )}
        {t.clientIp && (
          <div>
            <dt>From</dt>
            <dd>{visible(t.clientIp)}</dd>
          </div>
        )}
        {record.source && (
          <div>
            <dt>Source</dt>
            <dd>{visible(record.source)}</dd>
          </div>
        )}
      </dl>
      <ValueBox title="Data" value={t.data} file={`${record.id}-data`} />
      <ValueBox title="Headers" value={t.headers} file={`${record.id}-headers`} none="None." />
    </>
  );
}
