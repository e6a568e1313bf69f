// Where the errors of JavaScript are: in what validation says, and in what the last execution left.
import type { NodeRecord, Problem } from "../api/types";
import type { Marker } from "../editor/CodeEditor";
import { get, text } from "../json/lossless";
import { knownOf } from "../templates/scope";

/** The place that ends a message: (line 2, column 11) or (line 4). */
const place = /\(line (\d+)(?:, column (\d+))?\)\s*$/;
/** The place of a frame of a stack: code:4:13. */
const frame = /\bcode:(\d+)(?::(\d+))?/;

/**
 * The markers of problems of the source. One without a place is not among them: it is shown below the field.
 */
export function problemMarkers(problems: readonly Pick<Problem, "reason">[]): Marker[] {
  return problems.flatMap(({ reason }) => {
    const at = place.exec(reason);
    return at
      ? [
          {
            line: Number(at[1]),
            column: at[2] ? Number(at[2]) : undefined,
            message: reason.replace(place, "").trim(),
            tone: "bad" as const,
          },
        ]
      : [];
  });
}

export interface LastError {
  message: string;
  /** Where it was thrown, if the code is still the one that ran. */
  marker?: Marker;
  /** The code was changed since. */
  changed: boolean;
}

/** What a node's code threw in an execution, or undefined if it did not fail. */
export function lastError(record: NodeRecord | undefined, source: string): LastError | undefined {
  if (!record?.code || record.message === undefined) return undefined;
  const ran = text(get(knownOf(record.fixed).value, "source"));
  const message = record.message.replace(place, "").trim();
  const changed = ran !== undefined && ran !== source;
  const at = frame.exec(record.detail ?? "") ?? place.exec(record.message);
  const line = Number(at?.[1]);
  if (!at || changed || line < 1 || line > source.split("\n").length) return { message, changed };
  return {
    message,
    changed,
    marker: {
      line,
      column: at[2] ? Number(at[2]) : undefined,
      message: `In the last execution: ${message}`,
      tone: "warn",
    },
  };
}
