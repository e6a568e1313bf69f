import type { Route } from "../router";

export function StatusScreen(_: { route: Route }) {
  return <h1>Status</h1>;
}
