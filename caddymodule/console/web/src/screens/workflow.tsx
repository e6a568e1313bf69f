import type { Route } from "../router";

export function Workflow(_: { route: Route }) {
  return <h1>Workflow</h1>;
}
