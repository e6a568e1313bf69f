// The lines that a node has logged.
import { useState } from "preact/hooks";
import { Button, CopyButton, IconButton } from "../ui/controls";
import { download } from "../ui/download";
import { visible } from "../ui/text";
import { cut } from "../values/tree";

const shownLines = 20;
const shownChars = 500;

export function Logs({ lines, file }: { lines: readonly string[]; file: string }) {
  const [all, setAll] = useState(false);
  const shown = all ? lines : lines.slice(0, shownLines);
  return (
    <section class="value-box" aria-label="Logs">
      <header>
        <h3>Logs</h3>
        <span class="muted small">{lines.length === 1 ? "1 line" : `${lines.length} lines`}</span>
        <span class="tools">
          <CopyButton label="Copy logs" text={() => lines.join("\n")} />
          <IconButton
            icon="download"
            small
            label="Download logs"
            onClick={() => download(`${file}.log`, lines.join("\n") + "\n")}
          />
        </span>
      </header>
      <ol class="logs">
        {shown.map((l, i) => (
          <Line key={i} text={l} />
        ))}
      </ol>
      {!all && lines.length > shownLines && (
        <Button look="quiet" small onClick={() => setAll(true)}>
          Show all {lines.length} lines
        </Button>
      )}
    </section>
  );
}

/** "item 3: warn: text": the level is a word, and has a color. */
function Line({ text }: { text: string }) {
  const [open, setOpen] = useState(false);
  const [, item, level, rest] = /^(item \d+: )?(debug|info|warn|error): ([\s\S]*)$/.exec(text) ?? [
    "",
    "",
    "",
    text,
  ];
  const long = rest!.length > shownChars;
  return (
    <li class={level || undefined}>
      {level && <span class="level">{level}</span>}
      {item && <span class="muted">{item}</span>}
      <span class="wrap">
        {visible(open ? rest! : cut(rest!, shownChars))}
        {long && !open && "…"}
      </span>
      {long && (
        <button type="button" class="link small" onClick={() => setOpen(!open)}>
          {open ? "Show less" : `Show all ${rest!.length.toLocaleString("en")} characters`}
        </button>
      )}
    </li>
  );
}
