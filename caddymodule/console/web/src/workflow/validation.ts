// What the server says about a draft, a moment after each change.
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, apiPath, request } from "../api/client";
import type { Problem, Validation } from "../api/types";
import type { Draft } from "../flow/drafts";
import { flow, problemAt } from "../flow/document";

export interface Checked {
  /** "waiting" = the newest text was not checked yet; what is here is about a text before it. */
  state: "waiting" | "valid" | "invalid" | "failed";
  problems: readonly Problem[];
  warnings: readonly Problem[];
  /** Why the server could not be asked. */
  failure?: string;
  /** By the node's id: how many problems it and its edges have. */
  byNode: ReadonlyMap<string, number>;
}

/** How long nothing must change before the server is asked, in milliseconds. */
const pause = 400;
/** The same when a workflow is opened: the server's work does not delay the drawing of a large one. */
const firstPause = 150;
const unknown: Validation = { valid: true, problems: [], warnings: [] };

export function useValidation(draft: Draft): Checked {
  const { text, content } = draft;
  const [last, setLast] = useState<{ text: string; result: Validation; failure?: string }>();
  useEffect(() => {
    if (content.error) return;
    const abort = new AbortController();
    const timer = setTimeout(
      () => {
        request("POST", apiPath(["validate"], { id: draft.id }), { body: text, signal: abort.signal }).then(
          (reply) => setLast({ text, result: JSON.parse(reply.text) as Validation }),
          (e: unknown) => {
            if (abort.signal.aborted) return;
            const problems = e instanceof ApiError ? e.problems : [];
            if (problems.length > 0) setLast({ text, result: { valid: false, problems } });
            else
              setLast((before) => ({
                text,
                result: before?.result ?? unknown,
                failure: e instanceof Error ? e.message : String(e),
              }));
          },
        );
      },
      last === undefined ? firstPause : pause,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [draft, text]);

  return useMemo(() => {
    if (content.error) {
      const { message, line, column } = content.error;
      return {
        state: "invalid",
        problems: [{ path: "", reason: message, line, column }],
        warnings: [],
        byNode: new Map(),
      };
    }
    const result = last?.result ?? unknown;
    const problems = result.problems ?? [];
    const f = flow(content.document);
    const byNode = new Map<string, number>();
    for (const p of problems) {
      const at = problemAt(p.path);
      const id =
        at?.list === "nodes"
          ? f.nodes.find((n) => n.index === at.index)?.id
          : f.edges.find((e) => e.index === at?.index)?.source;
      if (at && id !== undefined) byNode.set(id, (byNode.get(id) ?? 0) + 1);
    }
    return {
      state:
        last?.text !== text
          ? "waiting"
          : last.failure
            ? "failed"
            : result.valid && problems.length === 0
              ? "valid"
              : "invalid",
      problems,
      warnings: result.warnings ?? [],
      failure: last?.failure,
      byNode,
    };
  }, [last, text, content]);
}
