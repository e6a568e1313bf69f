// The head of an execution: what it is, how it ended, and what can be done with it.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { canWrite } from "../api/session";
import type { ExecutionRecord } from "../api/types";
import { href, navigate } from "../router";
import { Button, ButtonLink, CopyButton, IconButton } from "../ui/controls";
import { confirm, Dialog, say, sayError } from "../ui/dialog";
import { download } from "../ui/download";
import { Badge, Note, Time } from "../ui/show";
import { line, visible } from "../ui/text";
import { modeWord } from "../workflows/state";
import { cancelRun, isEnded, replayRun, type Revision } from "./actions";
import { Elapsed } from "./Elapsed";
import { RevisionChoice } from "./RevisionChoice";
import { shortId } from "./RunTable";

/** The buttons of an execution. */
export function RunActions({ record, text }: { record: ExecutionRecord; text?: string }) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const ended = isEnded(record.status);
  const cancel = async () => {
    const yes = await confirm({
      title: "Cancel this execution?",
      text: "Nodes that run are stopped. What they have sent to others already stays sent.",
      action: "Cancel the execution",
      danger: true,
    });
    if (!yes) return;
    setBusy(true);
    await cancelRun(record.id).then(() => say("It is being cancelled."), sayError);
    setBusy(false);
  };
  return (
    <>
      {text !== undefined && ended && (
        <span class="run-quiet">
          <Button icon="download" onClick={() => download(`${record.id}.json`, text)}>
            Download
          </Button>
        </span>
      )}
      {canWrite() && !ended && (
        <Button icon="stop" look="danger" busy={busy} onClick={() => void cancel()}>
          Cancel
        </Button>
      )}
      {canWrite() && ended && record.trigger?.data.text !== undefined && !record.trigger.data.masked && (
        <span class="run-quiet">
          <ButtonLink icon="edit" href={href(["workflows", record.workflow, "try"], { event: record.id })}>
            Change and send
          </ButtonLink>
        </span>
      )}
      {canWrite() && ended && (
        <Button icon="replay" look="primary" onClick={() => setAsking(true)}>
          Replay…
        </Button>
      )}
      {asking && <ReplayDialog record={record} onClose={() => setAsking(false)} />}
    </>
  );
}

function ReplayDialog({ record, onClose }: { record: ExecutionRecord; onClose: () => void }) {
  const [revision, setRevision] = useState<Revision>("recorded");
  const [busy, setBusy] = useState(false);
  const replay = async () => {
    if (busy) return;
    setBusy(true);
    try {
      const id = await replayRun(record.id, revision);
      onClose();
      say("This is the new execution.", {
        href: href(["executions", record.id]),
        linkText: "Go back to the first one",
      });
      navigate(href(["executions", id]));
    } catch (e) {
      setBusy(false);
      sayError(e);
    }
  };
  return (
    <Dialog title="Replay this execution?" onClose={onClose}>
      <RevisionChoice value={revision} onValue={setRevision} recorded={record.revision} />
      <footer>
        <Button onClick={onClose}>Do nothing</Button>
        <Button look="primary" icon="replay" busy={busy} onClick={() => void replay()}>
          Replay
        </Button>
      </footer>
    </Dialog>
  );
}

/** The title line. */
export function RunTitle({ id, record }: { id: string; record?: ExecutionRecord }) {
  return (
    <>
      <h1 class="run-title">
        {record && <Badge state={record.status} />}
        <span class="mono" title={visible(id)}>
          {shortId(id)}
        </span>
      </h1>
      <CopyButton text={id} label="Copy the id" />
    </>
  );
}

/** What there is to know about the execution as a whole. */
export function RunFacts({ record, replays }: { record: ExecutionRecord; replays: readonly string[] }) {
  const facts: [string, ComponentChildren][] = [
    ["Workflow", <a href={href(["workflows", record.workflow])}>{line(record.workflow, 64)}</a>],
    ["Revision", <span class="number">{record.revision}</span>],
    ["Accepted", <Time at={record.acceptedAt} />],
    [
      "Duration",
      record.startedAt ? (
        <span class="number">
          <Elapsed from={record.startedAt} to={record.endedAt} />
        </span>
      ) : (
        <span class="muted">not started</span>
      ),
    ],
  ];
  if (record.endedAt) facts.splice(3, 0, ["Ended", <Time at={record.endedAt} />]);
  if (record.mode) facts.push(["Response", modeWord(record.mode)]);
  if (record.source) facts.push(["Sent by", visible(record.source)]);
  if (record.machine) facts.push(["Taken by", line(record.machine, 64)]);
  if (record.replayOf)
    facts.push([
      "Replay of",
      <a class="mono" href={href(["executions", record.replayOf])}>
        {shortId(record.replayOf)}
      </a>,
    ]);
  if (replays.length) {
    facts.push([
      "Replayed as",
      replays.map((id) => (
        <a key={id} class="mono" href={href(["executions", id])}>
          {shortId(id)}
        </a>
      )),
    ]);
  }
  return (
    <dl class="run-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Where it failed and with what, before anything else. */
export function RunFailure({
  record,
  nodeName,
  onNode,
}: {
  record: ExecutionRecord;
  nodeName?: string;
  onNode: (id: string) => void;
}) {
  if (!record.code && !record.message) return null;
  const bad = record.status === "failed" || record.status === "timed_out";
  return (
    <Note tone={bad ? "bad" : "idle"}>
      <span class="run-failure">
        {record.node && (
          <>
            <button type="button" class="link" onClick={() => onNode(record.node!)}>
              {line(nodeName ?? record.node, 80)}
            </button>{" "}
          </>
        )}
        {record.code && <code>{line(record.code, 100)}</code>} {line(record.message ?? "", 400)}
      </span>
    </Note>
  );
}

/** To the neighbors in the list that one came from. Keys: j or ] for older, k or [ for newer. */
export function Neighbors({ newer, older, back }: { newer?: string; older?: string; back: string }) {
  return (
    <nav class="row neighbors" aria-label="Neighbors in the list">
      <IconButton
        icon="left"
        label="Newer execution (k)"
        disabled={!newer}
        onClick={() => newer && navigate(newer)}
      />
      <IconButton
        icon="right"
        label="Older execution (j)"
        disabled={!older}
        onClick={() => older && navigate(older)}
      />
      <a class="visually-hidden" href={back}>
        Back to the list
      </a>
    </nav>
  );
}
