// Two texts compared by lines.
import { useMemo, useState } from "preact/hooks";
import { plural, visible } from "../ui/text";
import { type DiffLine, diffLines, hunks } from "./diff";

/** How many lines are shown at once, and how much of a line. */
const maxLines = 1500;
const maxWidth = 2000;

/** Shows what is different in after. The names say what the two texts are. */
export function DiffView({
  before,
  after,
  beforeName,
  afterName,
}: {
  before: string;
  after: string;
  beforeName: string;
  afterName: string;
}) {
  const diff = useMemo(() => diffLines(before, after), [before, after]);
  const parts = useMemo(() => hunks(diff), [diff]);
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  let left = maxLines;
  return (
    <div class="diff">
      <p class="row small">
        <span class="diff-count removed">− {plural(diff.removed, "line")}</span>
        only in {visible(beforeName)}
        <span class="diff-count added">+ {plural(diff.added, "line")}</span>
        only in {visible(afterName)}
      </p>
      {diff.removed + diff.added === 0 ? (
        <p class="muted">The two texts are the same.</p>
      ) : (
        <div
          class="diff-box"
          tabIndex={0}
          role="region"
          aria-label={`${beforeName} and ${afterName} compared`}>
          <table class="diff-lines">
            <thead class="visually-hidden">
              <tr>
                <th scope="col">Line in {visible(beforeName)}</th>
                <th scope="col">Line in {visible(afterName)}</th>
                <th scope="col">Change</th>
                <th scope="col">Text</th>
              </tr>
            </thead>
            <tbody>
              {parts.map((part, i) => {
                if (part.kind === "gap" && !opened.has(i)) {
                  return (
                    <tr key={i} class="gap">
                      <td colSpan={4}>
                        <button type="button" class="link" onClick={() => setOpened(new Set([...opened, i]))}>
                          Show {plural(part.lines.length, "equal line")}
                        </button>
                      </td>
                    </tr>
                  );
                }
                const shown = part.lines.slice(0, Math.max(0, left));
                left -= shown.length;
                return shown.map((l, j) => <Line key={`${i}-${j}`} line={l} />);
              })}
            </tbody>
          </table>
        </div>
      )}
      {left <= 0 && <p class="hint">Only the first {plural(maxLines, "line")} are shown.</p>}
      {diff.coarse && (
        <p class="hint">The texts differ in so many lines that they are not compared line by line.</p>
      )}
    </div>
  );
}

const signs = { same: [" ", ""], removed: ["−", "removed"], added: ["+", "added"] } as const;

function Line({ line }: { line: DiffLine }) {
  const [sign, word] = signs[line.kind];
  return (
    <tr class={line.kind}>
      <td class="line-number">{line.before}</td>
      <td class="line-number">{line.after}</td>
      <td class="sign">
        <span aria-hidden="true">{sign}</span>
        <span class="visually-hidden">{word}</span>
      </td>
      <td class="line-text">
        {visible(line.text.slice(0, maxWidth))}
        {line.text.length > maxWidth && "…"}
      </td>
    </tr>
  );
}
