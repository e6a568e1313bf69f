// Actions on the selected executions: how many is said first, and what became of each afterwards.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Summary } from "../api/types";
import { href } from "../router";
import { Button } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { plural, visible } from "../ui/text";
import { cancelRun, isEnded, replayRun, type Revision } from "./actions";
import { type Outcome, runAll, tally } from "./each";
import { RevisionChoice } from "./RevisionChoice";

interface Props {
  rows: readonly Summary[];
  selected: ReadonlySet<string>;
  onClear: () => void;
}

/** The bar with what can be done with the selected rows. */
export function BulkBar({ rows, selected, onClear }: Props) {
  const [action, setAction] = useState<"cancel" | "replay">();
  const chosen = rows.filter((r) => selected.has(r.id));
  const ended = chosen.filter((r) => isEnded(r.status)).map((r) => r.id);
  const open = chosen.filter((r) => !isEnded(r.status)).map((r) => r.id);
  const [ids, setIds] = useState<readonly string[]>([]); // they stay, however rows change meanwhile
  if (chosen.length === 0 && !action) return null;
  return (
    <div class="bulk" role="region" aria-label="Selected executions">
      <strong>{plural(chosen.length, "execution")} selected</strong>
      <Button
        small
        icon="replay"
        disabled={ended.length === 0}
        onClick={() => {
          setIds(ended);
          setAction("replay");
        }}
      >
        Replay {ended.length || ""}…
      </Button>
      <Button
        small
        icon="stop"
        disabled={open.length === 0}
        onClick={() => {
          setIds(open);
          setAction("cancel");
        }}
      >
        Cancel {open.length || ""}…
      </Button>
      <Button small look="quiet" onClick={onClear}>
        Clear the selection
      </Button>
      {action && (
        <BulkDialog
          action={action}
          ids={ids}
          onClose={(begun) => {
            setAction(undefined);
            if (begun) onClear();
          }}
        />
      )}
    </div>
  );
}

function BulkDialog({
  action,
  ids,
  onClose,
}: {
  action: "cancel" | "replay";
  ids: readonly string[];
  onClose: (begun: boolean) => void;
}) {
  const [revision, setRevision] = useState<Revision>("recorded");
  const [outcomes, setOutcomes] = useState<readonly Outcome[]>();
  const [ended, setEnded] = useState(false);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const many = plural(ids.length, "execution");
  const begin = async () => {
    if (outcomes) return; // a double click
    setOutcomes([]);
    const act = action === "cancel" ? cancelRun : (id: string) => replayRun(id, revision);
    await runAll(ids, act, stop.current.signal, setOutcomes);
    setEnded(true);
  };
  return (
    <Dialog
      title={action === "cancel" ? `Cancel ${many}?` : `Replay ${many}?`}
      onClose={() => onClose(outcomes !== undefined)}
    >
      {!outcomes ? (
        <>
          {action === "cancel" ? (
            <p>Nodes that run are stopped. What they have sent to others already stays sent.</p>
          ) : (
            <RevisionChoice value={revision} onValue={setRevision} many={ids.length > 1} />
          )}
          <footer>
            <Button onClick={() => onClose(false)}>
              {action === "cancel" ? "Let them run" : "Do nothing"}
            </Button>
            <Button look={action === "cancel" ? "danger" : "primary"} onClick={() => void begin()}>
              {action === "cancel" ? `Cancel ${many}` : `Replay ${many}`}
            </Button>
          </footer>
        </>
      ) : (
        <Progress
          total={ids.length}
          outcomes={outcomes}
          action={action}
          ended={ended}
          onStop={() => stop.current.abort()}
          onClose={() => onClose(true)}
        />
      )}
    </Dialog>
  );
}

function Progress({
  total,
  outcomes,
  action,
  ended,
  onStop,
  onClose,
}: {
  total: number;
  outcomes: readonly Outcome[];
  action: "cancel" | "replay";
  ended: boolean;
  onStop: () => void;
  onClose: () => void;
}) {
  const n = tally(outcomes);
  const failed = outcomes.filter((o) => o.state === "failed");
  const made = outcomes.filter((o) => o.newId !== undefined);
  return (
    <>
      <p role="status">
        {n.done} of {total} {action === "cancel" ? "cancelled" : "started again"}
        {n.failed > 0 && `, ${n.failed} failed`}
        {n.leftOut > 0 && `, ${n.leftOut} left out because you stopped`}.
      </p>
      <progress value={n.done + n.failed + n.leftOut} max={total} aria-label="Progress" />
      {failed.length > 0 && (
        <ul class="bulk-list" aria-label="Failures">
          {failed.slice(0, maxListed).map((o) => (
            <li key={o.id}>
              <a class="mono" href={href(["executions", o.id])}>
                {o.id}
              </a>{" "}
              {visible(o.error ?? "")}
            </li>
          ))}
          {failed.length > maxListed && <li class="muted">and {failed.length - maxListed} more</li>}
        </ul>
      )}
      {ended && made.length > 0 && (
        <ul class="bulk-list" aria-label="New executions">
          {made.slice(0, maxListed).map((o) => (
            <li key={o.id}>
              <a class="mono" href={href(["executions", o.newId!])} onClick={onClose}>
                {o.newId}
              </a>
            </li>
          ))}
          {made.length > maxListed && (
            <li class="muted">and {made.length - maxListed} more: they are at the top of the list</li>
          )}
        </ul>
      )}
      <footer>
        {ended ? (
          <Button look="primary" onClick={onClose}>
            Close
          </Button>
        ) : (
          <Button onClick={onStop}>Stop</Button>
        )}
      </footer>
    </>
  );
}
const maxListed = 50;
