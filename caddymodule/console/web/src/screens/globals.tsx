import type { Route } from "../router";

export function Globals(_: { route: Route }) {
  return <h1>Globals</h1>;
}
