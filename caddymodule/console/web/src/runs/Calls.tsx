// The calls of a node, by item and attempt, each with what it asked the host for.
import { useMemo, useState } from "preact/hooks";
import type { Call, ExecutionRecord, HostCall, NodeRecord } from "../api/types";
import { get, parse, text } from "../json/lossless";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { duration, line, visible } from "../ui/text";
import { ValueBox } from "../values/value";
import { nanos } from "./time";

const shownCalls = 10;

export function Calls({ n, record, file }: { n: NodeRecord; record: ExecutionRecord; file: string }) {
  const [all, setAll] = useState(false);
  const recorded = n.calls ?? [];
  const items = recorded.some((c) => c.item !== undefined && c.item > 0);
  const calls = useMemo(() => (items ? failedFirst(recorded) : recorded), [recorded, items]);
  return (
    <section class="value-box" aria-label="Calls">
      <header>
        <h3>{items ? "Calls by item" : calls.length > 1 ? "Attempts" : "Call"}</h3>
        {items && calls[0]?.code && <span class="muted small">failed ones first</span>}
        {n.callsCut && (
          <span class="muted small">
            the first {calls.length} of {n.attempts}
          </span>
        )}
      </header>
      <ol class="calls">
        {(all ? calls : calls.slice(0, shownCalls)).map((c, i) => (
          <CallRow
            key={i}
            c={c}
            items={items}
            record={record}
            file={`${file}-${i + 1}`}
            only={calls.length === 1}
          />
        ))}
      </ol>
      {!all && calls.length > shownCalls && (
        <Button look="quiet" small onClick={() => setAll(true)}>
          Show all {calls.length} calls
        </Button>
      )}
    </section>
  );
}

/** Items that failed come first: among many, they are what one looks for. */
const failedFirst = (calls: readonly Call[]): Call[] => [
  ...calls.filter((c) => c.code),
  ...calls.filter((c) => !c.code),
];

/** The error of an only call is that of its node: it is not told twice. */
function CallRow({
  c,
  items,
  record,
  file,
  only,
}: {
  c: Call;
  items: boolean;
  record: ExecutionRecord;
  file: string;
  only: boolean;
}) {
  const host = c.host ?? [];
  return (
    <li>
      <div class="call-head">
        <Icon name={c.code ? "close" : "check"} size={14} />
        <span>
          {items && `Item ${c.item ?? 0}, `}
          {items ? "attempt" : "Attempt"} {c.attempt}
        </span>
        <span class="muted number">
          at {duration(Math.max(0, nanos(record.startedAt ?? record.acceptedAt, c.start)))}
          {c.durationNs !== undefined && `, took ${duration(c.durationNs)}`}
          {c.fuel ? `, fuel ${c.fuel.toLocaleString("en")}` : ""}
          {c.live && ", used the real clock or random numbers"}
        </span>
      </div>
      {c.code && !only && (
        <p class="call-error wrap">
          <code>{line(c.code, 100)}</code> {line(c.message ?? "", 600)}
        </p>
      )}
      {host.map((h, i) => (
        <HostCallRow key={i} h={h} file={`${file}-host-${i + 1}`} />
      ))}
    </li>
  );
}

/** A request of the node to the host. Its values become part of the page only when it is open. */
function HostCallRow({ h, file }: { h: HostCall; file: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="host-call" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        <span class="tag">{line(h.function, 40)}</span> <span class="mono">{about(h)}</span>
        {h.code && (
          <span class="failure">
            {" "}
            {line(h.code, 80)}
            {h.fatal && ", final"}
          </span>
        )}
      </summary>
      {open && (
        <div class="stack tight">
          {h.message && <p class="wrap">{visible(h.message.slice(0, 2000))}</p>}
          <ValueBox title="Request" value={h.request} file={`${file}-request`} />
          <ValueBox
            title="Answer"
            value={h.answer}
            file={`${file}-answer`}
            none={h.code ? "None: the call failed." : "None."}
          />
        </div>
      )}
    </details>
  );
}

/** What a call of the host is about: "GET https://example.com 200", or the key of a global. */
function about(h: HostCall): string {
  try {
    const request = h.request.text === undefined ? undefined : parse(h.request.text);
    const answer = h.answer?.text === undefined ? undefined : parse(h.answer.text);
    const status = get(answer, "status");
    const parts = [
      text(get(request, "method")),
      text(get(request, "url")) ?? text(get(request, "key")),
      status?.kind === "number" ? `→ ${status.text}` : undefined,
    ];
    return line(parts.filter(Boolean).join(" "), 160);
  } catch {
    return "";
  }
}
