import type { Route } from "../router";

export function Execution(_: { route: Route }) {
  return <h1>Execution</h1>;
}
