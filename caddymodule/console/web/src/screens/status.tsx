import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { serverNow } from "../api/client";
import { useStatus } from "../api/lists";
import { canWrite } from "../api/session";
import type { Counts, Endpoint, ServerStatus, Trouble } from "../api/types";
import { href, type Route } from "../router";
import { Meter } from "../status/Meter";
import { type Group, grouped, rejections } from "../status/troubles";
import { BarPatterns, Bars } from "../ui/bars";
import { Button } from "../ui/controls";
import { Icon } from "../ui/icons";
import { Badge, LoadError, Note, Skeleton, Time } from "../ui/show";
import { bytes, duration, line, plural, visible } from "../ui/text";
import { hours, useCounts } from "../workflows/counts";

/** How often the state is loaded again, in milliseconds. */
const every = 3000;
const count = (n: number): string => n.toLocaleString("en");

export function StatusScreen(_: { route: Route }) {
  const status = useStatus(every);
  const counts = useCounts();
  const s = status.value;
  return (
    <div class="stack">
      <BarPatterns />
      <div class="page-head">
        <h1>Status</h1>
      </div>
      <LoadError error={status.error} retry={status.reload} />
      {s === undefined ? (
        !status.error && (
          <div class="card">
            <Skeleton lines={8} />
          </div>
        )
      ) : (
        <>
          {!s.ready && (
            <Note tone="warn">
              The server has not loaded its workflows yet: all webhooks get 503 until it has.
            </Note>
          )}
          <Mending title="What needs mending" list={s.troubles} none="Nothing needs mending." tone="bad" />
          <div class="status-grid">
            <Server s={s} />
            <Load s={s} />
            <Journal s={s} />
            <Workflows s={s} />
          </div>
          {s.warnings.length > 0 && <Mending title="Warnings" list={s.warnings} none="" tone="warn" />}
          <Rejections counts={counts.value} error={counts.error?.message} />
          <Endpoints list={s.endpoints ?? []} />
        </>
      )}
    </div>
  );
}

function Card({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="card">
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      <div class="body stack">{children}</div>
    </section>
  );
}

/** What has to be done, by workflow or part of the server. */
function Mending({
  title,
  list,
  none,
  tone,
}: {
  title: string;
  list: readonly Trouble[];
  none: string;
  tone: "bad" | "warn";
}) {
  const groups = grouped(list);
  const [all, setAll] = useState(false);
  if (groups.length === 0) return <Note tone="ok">{none}</Note>;
  const shown = all ? groups.slice(0, 500) : groups.slice(0, 8);
  return (
    <section class={`card mending ${tone}`}>
      <header>
        <h2>{title}</h2>
        <Badge state="" tone={tone} word={plural(list.length, tone === "bad" ? "problem" : "warning")} />
      </header>
      <ul>
        {shown.map((g) => (
          <Problem key={g.where} group={g} />
        ))}
      </ul>
      {groups.length > shown.length && (
        <div class="body center">
          {all ? (
            <span class="muted">{plural(groups.length - shown.length, "place")} more are not shown.</span>
          ) : (
            <Button small onClick={() => setAll(true)}>
              Show {plural(groups.length - shown.length, "more place", "more places")}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}

/** So many problems of one document are shown. */
const perGroup = 3;

function Problem({ group }: { group: Group }) {
  const { kind, link, list } = group;
  const name = line(group.name, 80);
  return (
    <li>
      <Icon name={kind === "secret" ? "key" : kind === "workflow" ? "workflow" : "status"} size={18} />
      <div class="grow">
        <p>
          <strong>{link ? <a href={link}>{name}</a> : name}</strong>{" "}
          {kind === "secret" && <span class="muted">secret</span>}
        </p>
        {list.slice(0, perGroup).map((t, i) => (
          <p key={i} class="wrap">
            {t.path && <code>{line(t.path, 200)}</code>} {visible(t.reason.slice(0, 500))}
          </p>
        ))}
        {list.length > perGroup && <p class="muted">and {plural(list.length - perGroup, "more problem")}</p>}
      </div>
      {link && (
        <a class="button small" href={link}>
          <span>
            {!canWrite() ? "Look" : kind === "secret" ? "Set" : "Mend"}
            <span class="visually-hidden"> {name}</span>
          </span>
        </a>
      )}
    </li>
  );
}

function Server({ s }: { s: ServerStatus }) {
  const started = Date.parse(s.started ?? "");
  const live = s.store.state === "live";
  return (
    <Card
      title="Server"
      aside={<Badge state="" tone={s.ready ? "ok" : "warn"} word={s.ready ? "ready" : "not ready"} />}
    >
      <dl class="facts">
        <dt>Version</dt>
        <dd>{line(s.version, 100)}</dd>
        <dt>Up for</dt>
        <dd>{Number.isNaN(started) ? "–" : duration(Math.max(0, serverNow() - started) * 1e6)}</dd>
        <dt>Store</dt>
        <dd>
          {line(s.store.engine, 100)}{" "}
          <Badge state="" tone={live ? "ok" : "bad"} word={line(s.store.state, 40)} />
        </dd>
        <dt>{live ? "Live" : "So"} since</dt>
        <dd>
          <Time at={s.store.since} />
        </dd>
        <dt>Revision</dt>
        <dd class="number">{count(s.store.revision)}</dd>
        {s.store.error && (
          <>
            <dt>Error</dt>
            <dd class="tone-bad">{visible(s.store.error.slice(0, 1000))}</dd>
          </>
        )}
      </dl>
    </Card>
  );
}

function Load({ s }: { s: ServerStatus }) {
  return (
    <Card title="Load">
      <Meter label="Execution slots" value={s.executions.inUse} limit={s.executions.limit} text={count} />
      <Meter label="Memory of nodes" value={s.sandbox.memory} limit={s.sandbox.limit} text={bytes}>
        {s.sandbox.waiting > 0
          ? `${plural(s.sandbox.waiting, "call")} of nodes waiting for memory`
          : "No call waits for memory"}
      </Meter>
    </Card>
  );
}

function Journal({ s }: { s: ServerStatus }) {
  const j = s.journal;
  return (
    <Card title="Journal" aside={<span class="tag">{line(s.durability, 40)}</span>}>
      {j.bytes !== undefined && <Meter label="Size" value={j.bytes} limit={j.maxBytes ?? 0} text={bytes} />}
      <dl class="facts">
        <dt>Waiting</dt>
        <dd>
          {count(j.pending)}
          {j.oldest && (
            <span class="muted">
              , the oldest accepted <Time at={j.oldest} />
            </span>
          )}
        </dd>
        <dt>Running</dt>
        <dd>{count(j.running)}</dd>
        <dt>Writes</dt>
        <dd class="number">
          {j.writesPerSecond.toLocaleString("en", { maximumFractionDigits: 1 })} a second
        </dd>
        {j.diskFree !== undefined && (
          <>
            <dt>Disk</dt>
            <dd>{bytes(j.diskFree)} free</dd>
          </>
        )}
        <dt>Not recorded</dt>
        <dd>
          {j.notRecorded > 0 ? (
            <span class="tone-warn">
              <Icon name="warn" size={16} /> {plural(j.notRecorded, "execution")} ended without a record
            </span>
          ) : (
            "none"
          )}
        </dd>
      </dl>
    </Card>
  );
}

function Workflows({ s }: { s: ServerStatus }) {
  const states = ["serving", "stale", "invalid", "preparing", "inactive"] as const;
  return (
    <Card title="Workflows">
      <ul class="tallies">
        {states.map((state) => (
          <li key={state}>
            <a href={href([], { state })}>
              <Badge state={state} /> <span class="number">{count(s.workflows[state])}</span>
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

/** Webhooks that were rejected, by code and hour. */
function Rejections({ counts, error }: { counts?: Counts; error?: string }) {
  const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0);
  const rows = (counts?.rejections ?? [])
    .map((r) => ({ ...r, total: sum(r.counts) }))
    .filter((r) => r.total > 0)
    .sort((a, b) => b.total - a.total);
  return (
    <section class="card">
      <header>
        <h2>Rejected webhooks</h2>
        <span class="muted small">last {hours} hours</span>
      </header>
      {!counts ? (
        error ? (
          <p class="body tone-bad">{visible(error)}</p>
        ) : (
          <Skeleton lines={2} />
        )
      ) : rows.length === 0 ? (
        <p class="body muted">None in the last {hours} hours.</p>
      ) : (
        <table class="table as-cards rejections">
          <thead>
            <tr>
              <th scope="col">Code</th>
              <th scope="col">By the hour</th>
              <th scope="col" class="right">
                Total
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ code, counts: list, total }) => {
              const full = Array.from({ length: hours }, (_, i) => list[i] ?? 0);
              return (
                <tr key={code}>
                  <th scope="row">
                    <code>{line(code, 60)}</code>
                    <span class="muted small block">{rejections[code]}</span>
                  </th>
                  <td>
                    <Bars
                      label={`${plural(total, "rejection")}, ${count(full[hours - 1]!)} in this hour`}
                      series={[{ kind: "bad", counts: full }]}
                    />
                  </td>
                  <td class="right number actions">{count(total)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Endpoints({ list }: { list: readonly Endpoint[] }) {
  return (
    <section class="card">
      <header>
        <h2>Endpoints</h2>
        <span class="muted small">where webhooks arrive</span>
      </header>
      {list.length === 0 ? (
        <p class="body muted">
          No site of the config has the directive <code>flowtrux</code>: no webhook can arrive.
        </p>
      ) : (
        <ul class="body endpoints">
          {list.slice(0, 100).map((e, i) => (
            <li key={i}>
              <Icon name="http" size={16} />
              <code class="wrap">
                {line(`${e.hosts?.length ? e.hosts.join(", ") : "any host"} ${e.listen.join(", ")}`, 400)}
              </code>
              <code>{line(e.prefix, 200)}</code>
              <span class="tag">{e.tls ? "https" : "http"}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
