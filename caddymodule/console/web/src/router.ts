// The route is the part of the URL behind "#": it works below any prefix, and behind proxies that strip one.
import { signal } from "@preact/signals";

export interface Route {
  /** The segments of the path, decoded: ["workflows", "order-intake"]. */
  readonly path: readonly string[];
  readonly query: URLSearchParams;
}

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  return { path: path.split("/").filter(Boolean).map(decode), query: new URLSearchParams(query) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Makes the href of a route. Parameters that are empty or undefined are left out. */
export function href(path: readonly string[], query: Record<string, string | undefined> = {}): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value) q.set(name, value);
  const search = q.toString();
  return "#/" + path.map(encodeURIComponent).join("/") + (search && "?" + search);
}

export const route = signal<Route>(parseRoute(location.hash));

/** Goes to an href. With replace, the back button skips the page before. */
export function navigate(to: string, replace = false): void {
  if (to === location.hash) return;
  if (!replace) {
    location.hash = to;
    return;
  }
  history.replaceState(history.state, "", to);
  route.value = parseRoute(to);
}

addEventListener("hashchange", () => {
  route.value = parseRoute(location.hash);
});
