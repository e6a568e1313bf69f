// Lists that may be long: the first part is shown, and more of it on demand.
import { useState } from "preact/hooks";
import { Button } from "./controls";
import { plural } from "./text";

const part = 200;

export interface More<T> {
  shown: readonly T[];
  left: number;
  next: () => void;
}

/** Shows the first rows. Another key, such as the filter, begins anew. */
export function useMore<T>(rows: readonly T[], key: string, size = part): More<T> {
  const [state, setState] = useState({ key, n: size });
  const n = state.key === key ? state.n : size;
  return {
    shown: rows.slice(0, n),
    left: Math.max(0, rows.length - n),
    next: () => setState({ key, n: n + 2 * size }),
  };
}

/** The button below such a list. */
export function MoreRows({ more }: { more: Pick<More<unknown>, "left" | "next"> }) {
  return more.left > 0 ? (
    <div class="center">
      <Button onClick={more.next}>Show more: {plural(more.left, "row")} left</Button>
    </div>
  ) : null;
}
