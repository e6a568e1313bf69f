// The frame of the page, and which screen it shows.
import { Component, type ComponentChildren, type ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useStatus } from "./api/lists";
import { connection } from "./api/live";
import { outdated, refused, session } from "./api/session";
import { href, route, type Route } from "./router";
import { keepScroll, restoreScroll } from "./scroll";
import { Button } from "./ui/controls";
import { Overlays } from "./ui/dialog";
import { Icon, type IconName } from "./ui/icons";
import { Empty, Note, Skeleton } from "./ui/show";
import { line, plural, visible } from "./ui/text";
import icon from "./icon.svg";

export type Screen = ComponentType<{ route: Route }>;

/** A screen whose code is loaded when it is first shown. */
interface Place {
  title: string;
  load: () => Promise<Screen>;
}

const places: Record<string, Place> = {
  workflows: { title: "Workflows", load: () => import("./screens/workflows").then((m) => m.Workflows) },
  workflow: { title: "Workflow", load: () => import("./screens/workflow").then((m) => m.Workflow) },
  executions: { title: "Executions", load: () => import("./screens/runs").then((m) => m.Executions) },
  execution: { title: "Execution", load: () => import("./screens/runs").then((m) => m.Execution) },
  secrets: { title: "Secrets", load: () => import("./screens/settings").then((m) => m.Secrets) },
  globals: { title: "Globals", load: () => import("./screens/settings").then((m) => m.Globals) },
  nodes: { title: "Node types", load: () => import("./screens/settings").then((m) => m.Nodes) },
  status: { title: "Status", load: () => import("./screens/settings").then((m) => m.StatusScreen) },
};

const navigation: readonly (readonly [place: string, icon: IconName, text: string])[] = [
  ["workflows", "workflow", "Workflows"],
  ["executions", "runs", "Executions"],
  ["secrets", "secret", "Secrets"],
  ["globals", "global", "Globals"],
  ["nodes", "node", "Node types"],
  ["status", "status", "Status"],
];

/** The name of the place that a route leads to, or undefined. */
export function placeOf(r: Route): string | undefined {
  const [first, second] = r.path;
  if (!first) return "workflows";
  if (first === "workflows" && second) return "workflow";
  if (first === "executions" && second) return "execution";
  return first in places ? first : undefined;
}

const loaded = new Map<string, Screen>();

export function Shell() {
  const main = useRef<HTMLElement>(null);
  const [failed, setFailed] = useState(false);
  const live = connection.value === "live";
  const [, shown] = useState(0);
  const here = placeOf(route.value);
  const place = here === undefined ? undefined : places[here];
  const Current = here === undefined ? undefined : loaded.get(here);

  const subject = route.value.path[1];
  useEffect(() => {
    document.title = `${subject ? `${line(subject, 64)} · ` : ""}${place?.title ?? "Not found"} · FlowTrux Edge`;
  }, [here, subject]);
  useEffect(() => {
    setFailed(false);
    if (here === undefined || place === undefined || loaded.has(here)) return;
    let current = true;
    place.load().then(
      (screen) => {
        loaded.set(here, screen);
        shown((n) => n + 1);
      },
      () => {
        if (current) setFailed(true);
      },
    );
    return () => {
      current = false;
    };
  }, [here, live]); // again when the server is back
  const address = route.value.path.join("/");
  useEffect(keepScroll, []);
  useEffect(restoreScroll, [address]);
  const first = useRef(true);
  useEffect(() => {
    // The link that was followed may be gone with its screen: the keyboard goes on at the new one.
    if (!first.current && !main.current?.contains(document.activeElement))
      main.current?.focus({ preventScroll: true });
    first.current = false;
  }, [here, subject]);

  if (refused.value && !session.value) return <Gate />;
  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="side">
        <a class="brand" href="#/">
          <img src={icon} alt="" /> FlowTrux Edge
        </a>
        <nav class="nav" aria-label="Main">
          {navigation.map(([name, sign, text]) => (
            <a
              key={name}
              href={href(name === "workflows" ? [] : [name])}
              aria-current={here === name || here === name.slice(0, -1) ? "page" : undefined}
            >
              <Icon name={sign} size={20} />
              {text}
              {name === "status" && session.value && <Troubles />}
            </a>
          ))}
        </nav>
        <SideFoot />
      </header>
      <main class="main" id="main" tabIndex={-1} ref={main}>
        {outdated.value && (
          <Note
            tone="warn"
            action={
              <Button small onClick={() => location.reload()}>
                Reload
              </Button>
            }
          >
            The server was upgraded. Reload the page to use its new console; save your changes first.
          </Note>
        )}
        {refused.value && session.value && (
          <Note tone="bad">
            You are signed out, or the console was restarted: {visible(refused.value.message)}
          </Note>
        )}
        {failed && !Current && <h1>{place?.title}</h1>}
        {failed && (
          <Note
            tone="bad"
            action={
              <Button small onClick={() => location.reload()}>
                Reload
              </Button>
            }
          >
            This screen could not be loaded: the server is away, or was upgraded.
          </Note>
        )}
        {place === undefined ? (
          <Empty icon="search" title="There is no such page" alone>
            <p>
              <a href="#/">Go to the workflows.</a>
            </p>
          </Empty>
        ) : Current && session.value ? (
          <Boundary key={here} address={address}>
            <Current route={route.value} />
          </Boundary>
        ) : (
          !failed && <Skeleton lines={6} />
        )}
      </main>
      <Overlays />
    </div>
  );
}

/** How many things need mending, beside the link to them. */
function Troubles() {
  const n = useStatus().value?.troubles.length ?? 0;
  return n > 0 ? (
    <span class="count" title={`${plural(n, "problem")} to mend`}>
      {n > 99 ? "99+" : n}
      <span class="visually-hidden"> to mend</span>
    </span>
  ) : null;
}

/** Catches what goes wrong while a screen is drawn: the rest of the page stays. */
class Boundary extends Component<{ address: string; children: ComponentChildren }, { error?: Error }> {
  override componentDidCatch(error: Error): void {
    this.setState({ error });
  }

  override componentDidUpdate({ address }: { address: string }): void {
    if (this.state.error && address !== this.props.address) this.setState({ error: undefined });
  }

  render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <Note
        tone="bad"
        action={
          <Button small onClick={() => this.setState({ error: undefined })}>
            Try again
          </Button>
        }
      >
        This screen cannot be shown: {visible(error.message)}. Please report it. The command line shows the
        same data.
      </Note>
    );
  }
}

const links = { connecting: "Connecting", live: "Live", waiting: "No connection. Trying again." };

function SideFoot() {
  return (
    <div class="side-foot">
      <div class={`row${connection.value === "waiting" ? " only-trouble" : ""}`} role="status">
        <span class={`pulse ${connection.value}`} />
        {links[connection.value]}
      </div>
      {session.value?.readOnly && (
        <div class="row">
          <Icon name="eye" size={16} />
          Read-only
        </div>
      )}
      {session.value?.user && (
        <div class="row">
          <Icon name="user" size={16} />
          <span class="cut">{visible(session.value.user)}</span>
        </div>
      )}
      {session.value && <div class="row">{session.value.version}</div>}
    </div>
  );
}

/** What people see who may not use the page. */
function Gate() {
  const error = refused.value;
  const title =
    error?.status === 0
      ? "The server does not answer"
      : error?.status === 401 || error?.status === 403
        ? "Sign in first"
        : "The console cannot be shown";
  return (
    <main class="gate card stack">
      <h1>{title}</h1>
      <p class="wrap">
        {error?.status === 0 ? "This page tries again by itself." : visible(error?.message ?? "")}
      </p>
      {error?.status === 401 && (
        <p>
          Run <code>caddy flowtrux console</code> again, and open the address that it prints. Each address
          opens one session.
        </p>
      )}
      <div>
        <Button look="primary" onClick={() => location.reload()}>
          Try again
        </Button>
      </div>
    </main>
  );
}
