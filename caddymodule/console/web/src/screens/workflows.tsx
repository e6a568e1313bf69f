import type { Route } from "../router";

export function Workflows(_: { route: Route }) {
  return <h1>Workflows</h1>;
}
