import type { Route } from "../router";

export function Executions(_: { route: Route }) {
  return <h1>Executions</h1>;
}
