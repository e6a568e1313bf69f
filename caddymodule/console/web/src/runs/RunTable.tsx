// The table of executions: where one failed, and with what, is on its line.
import { Component, type ComponentChildren } from "preact";
import type { Summary } from "../api/types";
import { href } from "../router";
import { Badge, Time } from "../ui/show";
import { line, visible } from "../ui/text";
import { modeWord } from "../workflows/state";
import { Elapsed } from "./Elapsed";
import { type Filter, filterQuery } from "./filter";

interface Props {
  rows: readonly Summary[];
  filter: Filter;
  selected: ReadonlySet<string>;
  onSelect?: (id: string, on: boolean, range: boolean) => void;
  onSelectAll?: (on: boolean) => void;
  selectable: boolean;
}

export function RunTable({ rows, filter, selected, onSelect, onSelectAll, selectable }: Props) {
  const all = rows.length > 0 && rows.every((r) => selected.has(r.id));
  const query = filterQuery(filter);
  return (
    <div class="table-box">
      <table class="table runs" aria-label="Executions" onKeyDown={moveByKey}>
        <thead>
          <tr>
            {selectable && (
              <th class="check">
                <input
                  type="checkbox"
                  aria-label="Select all that are shown"
                  checked={all}
                  ref={(e) => {
                    if (e) e.indeterminate = !all && selected.size > 0;
                  }}
                  onChange={(e) => onSelectAll?.(e.currentTarget.checked)}
                />
              </th>
            )}
            <th>Status</th>
            <th>Workflow</th>
            <th>Execution</th>
            <th>Accepted</th>
            <th class="right">Duration</th>
            <th>Response</th>
            <th class="wide">Error</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((s) => (
            <Row
              key={s.id}
              s={s}
              to={href(["executions", s.id], query)}
              selectable={selectable}
              selected={selected.has(s.id)}
              onSelect={onSelect}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The keys j and k, and the arrows, go to the next and the previous row. */
function moveByKey(e: KeyboardEvent): void {
  const down = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[e.key];
  const target = e.target as HTMLElement;
  if (down === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
  const row = target.closest("tr");
  const next = (down > 0 ? row?.nextElementSibling : row?.previousElementSibling)?.querySelector<HTMLElement>(
    target.matches("input") ? "input" : "a.row-link",
  );
  if (!next) return;
  e.preventDefault();
  next.focus();
}

interface RowProps {
  s: Summary;
  to: string;
  selectable: boolean;
  selected: boolean;
  onSelect: Props["onSelect"];
}

/** One row. It is rendered again only when it has changed: there may be thousands. */
class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return (
      now.s !== next.s ||
      now.to !== next.to ||
      now.selected !== next.selected ||
      now.selectable !== next.selectable ||
      now.onSelect !== next.onSelect
    );
  }

  override render({ s, to, selectable, selected, onSelect }: RowProps) {
    return (
      <tr aria-selected={selectable ? selected : undefined}>
        {selectable && (
          <td class="check">
            <input
              type="checkbox"
              aria-label={`Select ${s.id}`}
              checked={selected}
              onClick={(e) => onSelect?.(s.id, e.currentTarget.checked, e.shiftKey)}
            />
          </td>
        )}
        <td class="status">
          <Badge state={s.status} />
        </td>
        <td class="workflow">
          <span class="cut">{line(s.workflow, 64)}</span>
        </td>
        <td class="run-id">
          <a class="row-link mono" href={to} title={s.id}>
            {shortId(s.id)}
          </a>
          {s.replayOf && <span class="tag">replay</span>}
          {s.source && <span class="tag">{line(s.source, 24)}</span>}
        </td>
        <td class="at">
          <Time at={s.acceptedAt} />
        </td>
        <td class="duration right number">
          <Elapsed from={s.startedAt ?? (s.status === "running" ? s.acceptedAt : undefined)} to={s.endedAt} />
        </td>
        <td class="mode muted">{s.mode ? modeWord(s.mode) : "–"}</td>
        <td class="error">
          <Failure s={s} />
        </td>
      </tr>
    );
  }
}

/** Where and why an execution failed, in one line. */
export function Failure({ s }: { s: Summary }): ComponentChildren {
  if (!s.code && !s.message) return null;
  return (
    <span class="failure cut" title={visible((s.message ?? "").slice(0, 1000))}>
      {s.node && (
        <>
          <b>{line(s.node, 64)}</b>{" "}
        </>
      )}
      {s.code && <code>{line(s.code, 64)}</code>} {line(s.message ?? "", 300)}
    </span>
  );
}

/** The beginning and the end of an id: enough to tell rows apart. */
export const shortId = (id: string): string =>
  /^exec-[0-9a-z]{26}$/.test(id) ? `${id.slice(0, 9)}…${id.slice(-6)}` : line(id, 24);
