// What is going to be sent.
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { apiPath, getJson, serverNow } from "../api/client";
import { useStatus } from "../api/lists";
import { onEvent } from "../api/live";
import { canWrite } from "../api/session";
import type { ExecutionRecord, Executions, Summary } from "../api/types";
import { get, type Json, text } from "../json/lossless";
import { href, navigate, route } from "../router";
import { replayRun } from "../runs/actions";
import { Button, Field, IconButton, Select, TextInput } from "../ui/controls";
import { sayError } from "../ui/dialog";
import { Note, wordOf } from "../ui/show";
import { ago, line, visible } from "../ui/text";
import {
  type Draft,
  emptyDraft,
  formatted,
  fromRecord,
  type Header,
  maxHeaders,
  mistakeIn,
  skeleton,
  webhookOf,
} from "./draft";
import { samples } from "./samples";
import type { TrySession } from "./session";

interface Props {
  workflow: string;
  document?: Json;
  session: TrySession;
  onSend: () => void;
}

export function Compose({ workflow, document, session, onSend }: Props) {
  const draft = session.draft.value;
  const mistake = useMemo(() => mistakeIn(draft.body), [draft.body]);
  const change = (part: Partial<Draft>) => {
    session.draft.value = { ...draft, ...part };
  };
  const send = (e: KeyboardEvent) => {
    if (e.key !== "Enter" || !(e.ctrlKey || e.metaKey)) return;
    e.preventDefault();
    onSend();
  };
  return (
    <div class="compose stack" onKeyDown={send}>
      <Origin workflow={workflow} document={document} session={session} />
      <Field
        label="Body"
        error={mistake && `Not JSON: ${visible(mistake.message)}`}
        hint={mistake && "You can send it all the same, to see the error that a sender gets."}
        aside={
          <Button
            small
            look="quiet"
            disabled={!!mistake || draft.body === ""}
            onClick={() => change({ body: formatted(draft.body) })}
          >
            Format
          </Button>
        }
      >
        {(ids) => (
          <textarea
            {...ids}
            class="input area try-body"
            spellcheck={false}
            wrap="off"
            value={draft.body}
            placeholder="{}"
            onInput={(e) => change({ body: e.currentTarget.value })}
          />
        )}
      </Field>
      <Field
        label="Query"
        hint={
          <>
            It is <code>trigger.data._query</code> in the workflow.
          </>
        }
      >
        {(ids) => (
          <TextInput
            {...ids}
            class="mono"
            value={draft.query}
            placeholder="source=crm&priority=high"
            onValue={(query) => change({ query: query.replace(/^\?/, "") })}
          />
        )}
      </Field>
      <Headers list={draft.headers} onList={(headers) => change({ headers })} />
      <Prefixes session={session} />
    </div>
  );
}

function Headers({ list, onList }: { list: readonly Header[]; onList: (list: readonly Header[]) => void }) {
  return (
    <fieldset class="try-headers">
      <legend class="label">Headers</legend>
      {list.map(([name, value], i) => (
        <div class="row" key={i}>
          <TextInput
            class="mono"
            aria-label={`Name of header ${i + 1}`}
            placeholder="Name"
            value={name}
            onValue={(v) => onList(list.with(i, [v, value]))}
          />
          <TextInput
            class="mono"
            aria-label={`Value of header ${i + 1}`}
            placeholder="Value"
            value={value}
            onValue={(v) => onList(list.with(i, [name, v]))}
          />
          <IconButton
            icon="close"
            label={`Remove header ${i + 1}`}
            onClick={() => onList(list.toSpliced(i, 1))}
          />
        </div>
      ))}
      <Button
        small
        look="quiet"
        icon="plus"
        disabled={list.length >= maxHeaders}
        onClick={() => onList([...list, ["", ""]])}
      >
        Add a header
      </Button>
      <p class="hint">
        The server adds the signature, and <code>Content-Type: application/json</code> unless you do.
      </p>
    </fieldset>
  );
}

/** Which handler it goes through, if there are several. */
function Prefixes({ session }: { session: TrySession }) {
  const all = [...new Set(useStatus().value?.endpoints?.map((e) => e.prefix))];
  if (all.length < 2) return null;
  return (
    <Field label="Handler" hint="The site's handler that the request goes through.">
      {(ids) => (
        <Select
          {...ids}
          value={session.prefix.value || all[0]!}
          onValue={(v) => {
            session.prefix.value = v;
          }}
          options={all.map((p) => [p, visible(p)])}
        />
      )}
    </Field>
  );
}

/** Where the draft begins: a sample, or an event of before. */
function Origin({ workflow, document, session }: { workflow: string; document?: Json; session: TrySession }) {
  const [problem, setProblem] = useState<{ reason: string; id: string }>();
  const [busy, setBusy] = useState(false);
  const events = useLastEvents(workflow);
  const scheme = text(get(webhookOf(document), "signature", "scheme")) ?? "flowtrux";
  const fields = useMemo(() => document && skeleton(document), [document]);
  // The provider's samples come first.
  const sorted = useMemo(
    () => [...samples].sort((a, b) => Number(b.scheme === scheme) - Number(a.scheme === scheme)),
    [scheme],
  );

  const take = async (from: string) => {
    setProblem(undefined);
    const sample = samples.find((s) => `sample:${s.id}` === from);
    if (sample) use(from, { query: "", ...sample.make(serverNow()) });
    else if (from === "fields" && fields) use(from, { ...emptyDraft, body: fields });
    else if (from === "empty") use(from, emptyDraft);
    else if (from.startsWith("event:")) {
      setBusy(true);
      await takeEvent(from);
      setBusy(false);
    }
  };
  const use = (from: string, draft: Draft) => {
    session.from.value = from;
    session.draft.value = draft;
  };
  const takeEvent = async (from: string) => {
    const id = from.slice("event:".length);
    try {
      const draft = fromRecord(await getJson<ExecutionRecord>(apiPath(["executions", id])));
      if ("reason" in draft) setProblem({ ...draft, id });
      else use(from, draft);
    } catch (e) {
      sayError(e);
    }
  };

  // An address can name an event: one comes from its execution.
  const wanted = route.value.query.get("event") ?? "";
  const known = wanted === "" || events?.some((s) => s.id === wanted);
  useEffect(() => {
    if (wanted !== "") void take(`event:${wanted}`);
  }, [wanted]);
  // The first visit begins with something that fits, before anybody can type.
  useLayoutEffect(() => {
    if (wanted !== "") return;
    if (session.from.peek() !== "" || session.draft.peek() !== emptyDraft || document === undefined) return;
    const first =
      sorted[0]!.scheme === scheme ? `sample:${sorted[0]!.id}` : fields ? "fields" : "sample:plain";
    void take(first);
  }, [document === undefined]);

  const option = (value: string, label: string) => (
    <option key={value} value={value}>
      {label}
    </option>
  );
  return (
    <>
      <Field label="Begin with">
        {(ids) => (
          <select
            {...ids}
            class="input select"
            value={session.from.value}
            disabled={busy}
            onChange={(e) => void take(e.currentTarget.value)}
          >
            <option value="" disabled>
              Choose an event
            </option>
            {fields && option("fields", "The fields that this workflow reads")}
            <optgroup label="Last events of this workflow">
              {!known && option(`event:${wanted}`, `That of ${line(wanted, 40)}`)}
              {events?.map((s) => option(`event:${s.id}`, eventText(s)))}
              {events?.length === 0 && <option disabled>None was recorded</option>}
            </optgroup>
            <optgroup label="Samples">{sorted.map((s) => option(`sample:${s.id}`, s.title))}</optgroup>
            {option("empty", "Nothing: write it by hand")}
          </select>
        )}
      </Field>
      {problem && (
        <Note tone="warn" action={canWrite() && <ReplayButton id={problem.id} />}>
          {problem.reason} A replay runs it again as it was.
        </Note>
      )}
    </>
  );
}

const eventText = (s: Summary): string =>
  `${ago(Date.parse(s.acceptedAt), serverNow())}, ${wordOf(s.status)} · …${line(s.id.slice(-6), 10)}`;

function ReplayButton({ id }: { id: string }) {
  const [busy, setBusy] = useState(false);
  const replay = async () => {
    if (busy) return;
    setBusy(true);
    try {
      navigate(href(["executions", await replayRun(id, "current")]));
    } catch (e) {
      setBusy(false);
      sayError(e);
    }
  };
  return (
    <Button small icon="replay" busy={busy} onClick={() => void replay()}>
      Replay it with the current revision
    </Button>
  );
}

/** The executions that began last; undefined = not loaded yet. */
function useLastEvents(workflow: string): readonly Summary[] | undefined {
  const [list, setList] = useState<readonly Summary[]>();
  useEffect(() => {
    const stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = () => {
      timer = undefined;
      getJson<Executions>(apiPath(["executions"], { workflow, limit: 10 }), stop.signal).then(
        (p) => setList(p.executions),
        () => {},
      );
    };
    const off = onEvent((e) => {
      if (e.kind === "execution" && e.execution.workflow === workflow && e.execution.endedAt)
        timer ??= setTimeout(load, 2000);
    });
    load();
    return () => {
      off();
      clearTimeout(timer);
      stop.abort();
    };
  }, [workflow]);
  return list;
}
