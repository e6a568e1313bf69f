// Problems of a document at the fields of a form.
import { signal } from "@preact/signals";
import type { Problem } from "../api/types";
import { parsePath, type Path, pathText } from "../templates/path";

/** The problems of one node, by the path below it. */
export interface NodeProblems {
  /** All of them, with their paths below the node. */
  readonly list: readonly { path: Path; problem: Problem }[];
}

/** Picks the problems of the node at an index of the document. */
export function problemsOf(list: readonly Problem[], index: number): NodeProblems {
  const own: { path: Path; problem: Problem }[] = [];
  for (const problem of list) {
    const path = parsePath(problem.path);
    if (path?.[0] === "nodes" && path[1] === index) own.push({ path: path.slice(2), problem });
  }
  return { list: own };
}

/** Returns the reasons at a path or, with below, also at any place inside it. */
export function reasonsAt(problems: NodeProblems, path: Path, below = false): string[] {
  return problems.list
    .filter((p) => (below || p.path.length === path.length) && begins(p.path, path))
    .map((p) =>
      p.path.length === path.length
        ? p.problem.reason
        : `${pathText(p.path.slice(path.length))}: ${p.problem.reason}`,
    );
}

/** Reports whether a path is inside another, or the same. */
export const begins = (path: Path, outer: Path): boolean =>
  outer.length <= path.length && outer.every((step, i) => step === path[i]);

/** The value of data-path of the field at a path: fields are found by it. */
export const fieldPath = (path: Path): string => JSON.stringify(path);

/** The place that a form is asked to show: a path below a node. Each request is another object. */
export const wanted = signal<{ node: string; path: Path } | undefined>(undefined);

/** Asks the form of a node to put the focus at a path below the node, at once or as soon as it is shown. */
export function showField(node: string, path: Path): void {
  wanted.value = { node, path };
}

/**
 * Asks the form of a node to put the focus where a problem is. path is that of the problem:
 * nodes[2].config.url.
 */
export function showProblem(node: string, path: string): void {
  showField(node, parsePath(path)?.slice(2) ?? []);
}

/**
 * Puts the focus into the field at a path, or the one around it, and opens what hides it. Reports whether
 * there is one.
 */
export function focusField(form: HTMLElement, path: Path): boolean {
  for (let n = path.length; n > 0; n--) {
    const field = form.querySelector(`[data-path="${CSS.escape(fieldPath(path.slice(0, n)))}"]`);
    if (!field) continue;
    for (let d = field.closest("details"); d; d = d.parentElement?.closest("details") ?? null) d.open = true;
    const code = field
      .querySelector(".code-host:not(.covered)")
      ?.shadowRoot?.querySelector<HTMLElement>(".cm-content");
    const control =
      code ??
      field.querySelector<HTMLElement>("input, textarea, select") ??
      field.querySelector<HTMLElement>("button");
    (control ?? field).scrollIntoView({ block: "center" });
    control?.focus({ preventScroll: true });
    return true;
  }
  return false;
}
