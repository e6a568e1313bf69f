// The filter of the list of executions. It is the query of the page's address.
import { type Status, statuses, type Summary } from "../api/types";

/** The time spans that are offered, in minutes, by their names in the address. */
export const spans = { "15m": 15, "1h": 60, "24h": 24 * 60, "72h": 72 * 60 } as const;
export type Span = keyof typeof spans;
export const spanWords: Readonly<Record<Span, string>> = {
  "15m": "last 15 minutes",
  "1h": "last hour",
  "24h": "last 24 hours",
  "72h": "last 72 hours",
};

export interface Filter {
  readonly workflow: string;
  /** None = all. */
  readonly status: readonly Status[];
  readonly source: string;
  /** "" = any time, or from and to. */
  readonly span: Span | "";
  /** RFC 3339, or "". */
  readonly from: string;
  readonly to: string;
  /** What the id begins with. */
  readonly id: string;
}
export const noFilter: Filter = { workflow: "", status: [], source: "", span: "", from: "", to: "", id: "" };

/** Reads a filter from an address. What it does not understand is left out. */
export function readFilter(q: URLSearchParams): Filter {
  const within = q.get("within") ?? "";
  const span = Object.hasOwn(spans, within) ? (within as Span) : "";
  const given = (q.get("status") ?? "").split(",");
  return {
    workflow: q.get("workflow") ?? "",
    status: statuses.filter((s) => given.includes(s)),
    source: q.get("source") ?? "",
    span,
    from: span ? "" : time(q.get("from")),
    to: span ? "" : time(q.get("to")),
    id: (q.get("id") ?? "").trim(),
  };
}

const time = (text: string | null): string =>
  text && !Number.isNaN(Date.parse(text)) ? new Date(Date.parse(text)).toISOString() : "";

/** The query of a filter's address. */
export function filterQuery(f: Filter): Record<string, string> {
  return {
    workflow: f.workflow,
    status: f.status.join(","),
    source: f.source,
    within: f.span,
    from: f.from,
    to: f.to,
    id: f.id,
  };
}

/** Identifies a filter: equal ones have the same text. */
export const filterKey = (f: Filter): string => JSON.stringify(filterQuery(f));

/** The query of a filter for the API. now is the server's time. */
export function apiQuery(f: Filter, now: number): Record<string, string> {
  const from = f.span ? new Date(now - spans[f.span] * 60_000).toISOString() : f.from;
  return {
    workflow: f.workflow,
    status: f.status.join(","),
    source: f.source,
    from,
    to: f.to,
    id: wholePrefix(f.id),
  };
}

/** Ids begin with "exec-" and are in lower case: people may copy them without, or type capitals. */
export function wholePrefix(id: string): string {
  const text = id.trim().toLowerCase();
  return text === "" || text.startsWith("exec-") || "exec-".startsWith(text) ? text : `exec-${text}`;
}

/** Reports whether an execution belongs to the list. */
export function matches(f: Filter, s: Summary, now: number): boolean {
  const accepted = Date.parse(s.acceptedAt);
  const from = f.span ? now - spans[f.span] * 60_000 : f.from ? Date.parse(f.from) : -Infinity;
  return (
    (f.workflow === "" || f.workflow === s.workflow) &&
    (f.status.length === 0 || f.status.includes(s.status)) &&
    (f.source === "" || f.source === s.source) &&
    accepted >= from &&
    (f.to === "" || accepted <= Date.parse(f.to)) &&
    s.id.startsWith(wholePrefix(f.id))
  );
}

/** One part of a filter: what it says, and the filter without it. */
export interface Part {
  readonly name: string;
  readonly text: string;
  readonly without: Filter;
}

/** The parts of a filter that exclude executions. */
export function partsOf(
  f: Filter,
  statusWord: (s: Status) => string,
  timeText: (rfc3339: string) => string,
): Part[] {
  const parts: Part[] = [];
  if (f.workflow) parts.push({ name: "workflow", text: f.workflow, without: { ...f, workflow: "" } });
  if (f.status.length)
    parts.push({
      name: "status",
      text: f.status.map(statusWord).join(" or "),
      without: { ...f, status: [] },
    });
  if (f.source) parts.push({ name: "source", text: f.source, without: { ...f, source: "" } });
  if (f.span) parts.push({ name: "time", text: spanWords[f.span], without: { ...f, span: "" } });
  if (f.from || f.to) {
    const text = [f.from && `from ${timeText(f.from)}`, f.to && `until ${timeText(f.to)}`]
      .filter(Boolean)
      .join(" ");
    parts.push({ name: "time", text, without: { ...f, from: "", to: "" } });
  }
  if (f.id) parts.push({ name: "id", text: `begins with ${wholePrefix(f.id)}`, without: { ...f, id: "" } });
  return parts;
}
