// The list of executions.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { serverNow } from "../api/client";
import { canWrite } from "../api/session";
import type { Summary } from "../api/types";
import { BulkBar } from "../runs/Bulk";
import { apiQuery, type Filter, filterKey, filterQuery, noFilter, partsOf, readFilter } from "../runs/filter";
import { FilterBar } from "../runs/FilterBar";
import { excluding, listOf, type RunList, useList } from "../runs/list";
import { isFull, type Rows } from "../runs/rows";
import { RunTable } from "../runs/RunTable";
import { href, navigate, type Route } from "../router";
import { Button, ButtonLink } from "../ui/controls";
import { Empty, LoadError, Skeleton, wordOf } from "../ui/show";
import { exactTime, plural, visible } from "../ui/text";

export function Executions({ route }: { route: Route }) {
  const filter = readFilter(route.query);
  const key = filterKey(filter);
  const list = useMemo(() => listOf(filter), [key]);
  const { rows, loaded } = useList(list);
  const before = useRef<readonly Summary[]>([]);
  if (loaded) before.current = rows.shown;
  const more = rows.next !== undefined || isFull(rows) ? ", and more" : "";
  return (
    <>
      <div class="page-head">
        <h1>Executions</h1>
        <span class="muted small" role="status">
          {loaded && rows.shown.length > 0 && plural(rows.shown.length, "row") + more}
        </span>
      </div>
      <FilterBar filter={filter} onFilter={(f) => go(f, true)} />
      <List key={key} filter={filter} list={list} before={before.current} />
    </>
  );
}

const none: ReadonlySet<string> = new Set();
const go = (f: Filter, replace: boolean) => navigate(href(["executions"], filterQuery(f)), replace);

/** The rows of one filter. Until they are loaded, those of the filter before stay, faded. */
function List({ filter, list, before }: { filter: Filter; list: RunList; before: readonly Summary[] }) {
  const { rows, loaded, loading, error } = useList(list);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set<string>());
  const box = useRef<HTMLDivElement>(null);
  const reading = useRef(false);
  reading.current = selected.size > 0;

  // New rows push others down only while nobody reads, points at, or works in the list.
  const atTop = () => scrollY < 80 && !reading.current && !box.current?.matches(":hover, :focus-within");
  useEffect(() => {
    const unfollow = list.follow(atTop);
    // A list of before is shown at once, and the page goes to where one was: what is new is known a moment
    // later.
    const timer = setTimeout(() => void list.load(atTop()), loaded ? 300 : 0);
    return () => {
      clearTimeout(timer);
      unfollow();
    };
  }, [list]);

  const last = useRef<string>();
  const shownRows = useRef(rows.shown);
  shownRows.current = rows.shown;
  const onSelect = useMemo(
    () => (id: string, on: boolean, range: boolean) => {
      const ids = shownRows.current.map((r) => r.id);
      const [a, b] = [ids.indexOf(range && last.current ? last.current : id), ids.indexOf(id)].sort(
        (x, y) => x - y,
      ) as [number, number];
      last.current = id;
      setSelected((old) => {
        const now = new Set(old);
        for (const each of a < 0 ? [id] : ids.slice(a, b + 1)) {
          if (on) now.add(each);
          else now.delete(each);
        }
        return now;
      });
    },
    [],
  );

  return (
    <>
      <LoadError error={error} retry={() => void list.load(true)} />
      <NewRows
        rows={rows}
        filtered={filterKey(filter) !== filterKey(noFilter)}
        onShow={() => {
          list.showNew();
          scrollTo(0, 0);
        }}
      />
      <div ref={box} class={!loaded && before.length > 0 ? "runs-before" : undefined} aria-busy={!loaded}>
        {!loaded && !error && before.length > 0 ? (
          <RunTable rows={before} filter={filter} selected={none} selectable={canWrite()} />
        ) : !loaded && !error ? (
          <div class="card">
            <Skeleton lines={10} />
          </div>
        ) : rows.shown.length > 0 ? (
          <RunTable
            rows={rows.shown}
            filter={filter}
            selected={selected}
            selectable={canWrite()}
            onSelect={onSelect}
            onSelectAll={(on) => setSelected(on ? new Set(rows.shown.map((r) => r.id)) : new Set())}
          />
        ) : (
          loaded && <Nothing filter={filter} />
        )}
      </div>
      {loaded && isFull(rows) && rows.shown.length > 0 ? (
        <div class="row center">
          <span class="muted">{plural(rows.shown.length, "row")} are shown at most.</span>
          <ButtonLink
            href={href(
              ["executions"],
              filterQuery({
                ...filter,
                span: "",
                from: apiQuery(filter, serverNow()).from!,
                to: rows.shown.at(-1)!.acceptedAt,
              }),
            )}
          >
            Go on from here
          </ButtonLink>
        </div>
      ) : (
        rows.next !== undefined && (
          <div class="row center">
            <Button busy={loading === "next"} onClick={() => void list.more()}>
              Load more
            </Button>
          </div>
        )
      )}
      <BulkBar rows={rows.shown} selected={selected} onClear={() => setSelected(new Set())} />
    </>
  );
}

/** Of executions without events only their number is known: a filter may exclude them. */
function NewRows({ rows, filtered, onShow }: { rows: Rows; filtered: boolean; onShow: () => void }) {
  const n = rows.waiting.length + rows.missed;
  const text = rows.missed > 0 && filtered ? "Load new ones" : `${n.toLocaleString("en")} new`;
  return (
    <div class="new-rows" role="status">
      {n > 0 && (
        <Button small look="primary" icon="plus" onClick={onShow}>
          {text}
        </Button>
      )}
    </div>
  );
}

/** Why the list is empty: which part of the filter excludes what there is. */
function Nothing({ filter }: { filter: Filter }) {
  const parts = partsOf(filter, wordOf, (t) => exactTime(Date.parse(t)).slice(0, 19));
  const [guilty, setGuilty] = useState<readonly string[]>();
  useEffect(() => {
    const stop = new AbortController();
    if (parts.length > 1) excluding(filter, stop.signal).then(setGuilty, () => setGuilty(undefined));
    return () => stop.abort();
  }, [filterKey(filter)]);
  if (parts.length === 0) {
    return (
      <Empty icon="runs" title="No executions yet">
        <p>An execution is one run of a workflow, started by a webhook. They appear here as they start.</p>
        <ButtonLink href={href([])} icon="workflow">
          Choose a workflow to try
        </ButtonLink>
      </Empty>
    );
  }
  return (
    <Empty icon="search" title="No execution matches">
      <p>
        {parts.length === 1
          ? "This filter excludes all of them:"
          : !guilty
            ? "All of these have to match:"
            : guilty.length === 0
              ? "There would be none without one of these either:"
              : "There are executions without the marked filters:"}
      </p>
      <ul class="filter-parts">
        {parts.map((p) => (
          <li key={p.name}>
            <span class={`filter-part${guilty?.includes(p.name) ? " guilty" : ""}`}>
              <span class="muted">{p.name}</span> {visible(p.text)}
            </span>
            <Button small icon="close" onClick={() => go(p.without, true)}>
              {guilty?.includes(p.name) ? "Remove: shows some" : "Remove"}
            </Button>
          </li>
        ))}
      </ul>
      {parts.length > 1 && (
        <Button look="primary" onClick={() => go(noFilter, true)}>
          Show all executions
        </Button>
      )}
      <p class="small">
        Records are kept for a time that the operator sets, and successes are recorded only up to a rate.
      </p>
    </Empty>
  );
}
