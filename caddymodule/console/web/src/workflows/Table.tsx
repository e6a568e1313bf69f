// The list of workflows: rows in wide windows, cards in narrow ones. All have the same height, so
// that only those in view are in the document.
import { Component } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { WorkflowRow } from "../api/types";
import { hasDraft } from "../flow/drafts";
import { href } from "../router";
import { Bars } from "../ui/bars";
import { Menu, type MenuItem } from "../ui/menu";
import { Badge, Time } from "../ui/show";
import { duration, line, plural } from "../ui/text";
import { useWindow } from "../ui/window";
import type { Runs } from "./counts";
import { modeWords, nameOf, stateOf, troubles } from "./state";

const narrow = matchMedia("(max-width: 860px)");
/** The heights of rows, in pixels, as in styles/workflows.css. */
const heights = { wide: 64, narrow: 172 };

function useNarrow(): boolean {
  const [is, setIs] = useState(narrow.matches);
  useEffect(() => {
    const changed = () => setIs(narrow.matches);
    narrow.addEventListener("change", changed);
    return () => narrow.removeEventListener("change", changed);
  }, []);
  return is;
}

interface TableProps {
  rows: readonly WorkflowRow[];
  runs: { of: (id: string) => Runs; loaded: boolean };
  actions: (row: WorkflowRow) => MenuItem[];
}

export function WorkflowTable({ rows, runs, actions }: TableProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const shown = useWindow(body, rows.length, useNarrow() ? heights.narrow : heights.wide);
  return (
    <div class="table-box">
      <table class="table workflows" aria-rowcount={rows.length + 1}>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col">Workflow</th>
            <th scope="col" class="state">
              State
            </th>
            <th scope="col" class="mode">
              Response
            </th>
            <th scope="col" class="last">
              Last run
            </th>
            <th scope="col" class="day">
              Last 24 h
            </th>
            <th
              scope="col"
              class="p50 right"
              title="The duration of half of the recorded executions is below this"
            >
              Median
            </th>
            <th scope="col" class="actions">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody ref={body}>
          <Gap height={shown.before} />
          {rows.slice(shown.first, shown.end).map((row, i) => (
            <Row
              key={row.id}
              row={row}
              index={shown.first + i + 2}
              runs={runs.of(row.id)}
              loaded={runs.loaded}
              items={actions(row)}
              draft={hasDraft(row.id)}
            />
          ))}
          <Gap height={shown.after} />
        </tbody>
      </table>
    </div>
  );
}

/** Rows that are not in the document. */
function Gap({ height }: { height: number }) {
  return height > 0 ? (
    <tr aria-hidden="true" class="gap" style={{ height: `${height}px` }}>
      <td colSpan={7} />
    </tr>
  ) : null;
}

interface RowProps {
  row: WorkflowRow;
  index: number;
  runs: Runs;
  loaded: boolean;
  items: MenuItem[];
  draft: boolean;
}

function RowView({ row, index, runs, loaded, items, draft }: RowProps) {
  const name = line(nameOf(row), 120);
  const state = stateOf(row);
  const [first, ...more] = troubles(row);
  const reason = first && `${first.path ? `${line(first.path, 80)}: ` : ""}${line(first.reason, 160)}`;
  const summary = loaded
    ? `${plural(runs.total, "run")}${runs.bad > 0 ? `, ${runs.bad.toLocaleString("en")} failed` : ""}`
    : "…";
  return (
    <tr aria-rowindex={index}>
      <th scope="row">
        <a class="name cut" href={href(["workflows", row.id])} title={name}>
          {name}
        </a>
        <span class="id cut mono muted">
          {row.id}
          {draft && <span class="tag draft">not saved</span>}
        </span>
      </th>
      <td class="state">
        <Badge state={state} />
        {reason && (
          <span class="reason cut small" title={reason}>
            {reason}
            {more.length > 0 && ` (and ${more.length} more)`}
          </span>
        )}
      </td>
      <td class="mode muted" title={row.mode}>
        {row.trigger === "manual" ? "By command" : row.mode ? modeWords[row.mode] : "–"}
      </td>
      <td class="last">
        {runs.last ? (
          <a class="run" href={href(["executions", runs.last.id])}>
            <Badge state={runs.last.status} />
            <span class="muted small">
              <Time at={runs.last.endedAt} />
            </span>
          </a>
        ) : (
          <span class="muted">{loaded ? "Never" : "…"}</span>
        )}
      </td>
      <td class="day">
        <a
          class="day-link"
          href={href(["executions"], { workflow: row.id })}
          aria-label={`Executions of ${name} in the last 24 hours: ${summary}`}
        >
          <Bars
            label={summary}
            series={[
              { kind: "ok", counts: runs.succeeded },
              { kind: "idle", counts: runs.cancelled },
              { kind: "bad", counts: runs.failed },
            ]}
          />
          <span class="small muted number">{summary}</span>
        </a>
      </td>
      <td class="p50 right number muted">{runs.p50Ns === undefined ? "–" : duration(runs.p50Ns)}</td>
      <td class="actions">
        <Menu label={`Actions for ${name}`} items={items} />
      </td>
    </tr>
  );
}

/** Rows are shown again only when they change: with each event, that is one of many. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const { row, index, draft, loaded, runs } = this.props;
    return (
      row !== next.row ||
      index !== next.index ||
      draft !== next.draft ||
      loaded !== next.loaded ||
      !sameRuns(runs, next.runs)
    );
  }

  render() {
    return <RowView {...this.props} />;
  }
}

const sameRuns = (a: Runs, b: Runs): boolean =>
  a.total === b.total && a.bad === b.bad && a.last?.id === b.last?.id && a.p50Ns === b.p50Ns;
