import type { Route } from "../router";

export function Secrets(_: { route: Route }) {
  return <h1>Secrets</h1>;
}
