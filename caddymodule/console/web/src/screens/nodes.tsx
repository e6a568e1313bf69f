import type { Route } from "../router";

export function Nodes(_: { route: Route }) {
  return <h1>Node types</h1>;
}
