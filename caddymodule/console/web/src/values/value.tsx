// Recorded values: a JSON tree that loses no digits, or why the record has no value.
import type { ComponentChildren } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Value } from "../api/types";
import { type Json, parse, stringify } from "../json/lossless";
import { CopyButton, IconButton } from "../ui/controls";
import { download } from "../ui/download";
import { Icon } from "../ui/icons";
import { bytes, visible } from "../ui/text";
import { Text } from "./text";
import {
  autoOpen,
  isLong,
  keyAction,
  noState,
  type Row,
  rowsOf,
  shortText,
  showMore,
  sizeOf,
  textStep,
  toggle,
  cut,
} from "./tree";

/** A recorded value with its title. file is the name that a download gets, without an extension. */
export function ValueBox({
  title,
  value,
  file,
  none,
  aside,
}: {
  title: string;
  value?: Value;
  file: string;
  /** Why there is no value. */
  none?: ComponentChildren;
  aside?: ComponentChildren;
}) {
  const raw = value?.text;
  const [asText, setAsText] = useState(false);
  const size = useMemo(() => (raw === undefined ? 0 : utf8Length(raw)), [raw]);
  return (
    <section class="value-box" aria-label={title}>
      <header>
        <h3>{title}</h3>
        {value?.masked && (
          <span class="tag" title="Secrets in it are hidden: they are shown as ***">
            secrets hidden
          </span>
        )}
        {raw !== undefined && <span class="muted small number">{bytes(size)}</span>}
        {aside}
        {raw !== undefined && (
          <span class="tools">
            <IconButton
              icon={asText ? "branch" : "code"}
              small
              label={asText ? `${title} as a tree` : `${title} as text`}
              onClick={() => setAsText(!asText)}
            />
            <CopyButton label={`Copy ${title}`} text={raw} />
            <IconButton
              icon="download"
              small
              label={`Download ${title}`}
              onClick={() => download(`${file}.json`, raw)}
            />
          </span>
        )}
      </header>
      <ValueBody value={value} none={none} title={title} asText={asText} />
    </section>
  );
}

function ValueBody({
  value,
  none,
  title,
  asText,
}: {
  value?: Value;
  none?: ComponentChildren;
  title: string;
  asText: boolean;
}) {
  const raw = value?.text;
  const json = useMemo(() => (raw === undefined ? undefined : read(raw)), [raw]);
  if (raw !== undefined && json && !asText) return <Tree key={raw} json={json} label={title} />;
  if (raw !== undefined) return <Text key={raw} text={json ? stringify(json, 2) : raw} label={title} />;
  return <p class="value-none">{absence(value) ?? none ?? "Nothing was recorded."}</p>;
}

/** Why a record has no text for a value; undefined = it has no value at all. */
export function absence(value?: Value): ComponentChildren {
  if (value?.cut) return "Not recorded: recording the values before this one took too much work.";
  if (!value?.size) return undefined;
  return (
    <>
      Only its size was recorded: {bytes(value.size)}. It is longer than 64 KiB, or the record has 1 MiB of
      values already.{" "}
      {value.sha256 ? (
        <>
          SHA-256 <code class="wrap">{value.sha256}</code>
        </>
      ) : (
        "It was too long to read all of it."
      )}
    </>
  );
}

function read(raw: string): Json | undefined {
  try {
    return parse(raw);
  } catch {
    return undefined; // shown as text
  }
}

/** The length of a text in UTF-8. */
export function utf8Length(text: string): number {
  let n = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c >= 0x80) n += c >= 0x800 && (c < 0xd800 || c > 0xdfff) ? 2 : 1;
  }
  return n;
}

/** A JSON value as a tree. By keyboard: arrows, Home, End, Enter. */
export function Tree({ json, label }: { json: Json; label: string }) {
  const [state, setState] = useState(noState);
  const [current, setCurrent] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const auto = useMemo(() => autoOpen(json), [json]);
  const rows = useMemo(() => rowsOf(json, auto, state), [json, auto, state]);
  const focused = rows.some((r) => r.id === current) ? current : "";

  const onKeyDown = (e: KeyboardEvent) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const action = keyAction(e.key, rows, focused);
    if (!action) return;
    e.preventDefault();
    e.stopPropagation();
    const row = rows.find((r) => r.id === focused)!;
    if (action.toggle) setState(toggle(state, row));
    if (action.more) setState(showMore(state, row));
    if (action.focus !== undefined) {
      setCurrent(action.focus);
      const at = rows.findIndex((r) => r.id === action.focus);
      (box.current?.children[at] as HTMLElement | undefined)?.focus();
    }
  };

  return (
    <div class="tree" role="tree" aria-label={label} ref={box} onKeyDown={onKeyDown}>
      {rows.map((row) => (
        <TreeRow
          key={row.id}
          row={row}
          shown={state.shown.get(row.id) ?? 0}
          focusable={row.id === focused}
          onFocus={() => setCurrent(row.id)}
          onToggle={() => setState(toggle(state, row))}
          onMore={() => setState(showMore(state, row))}
        />
      ))}
    </div>
  );
}

function TreeRow({
  row,
  shown,
  focusable,
  onFocus,
  onToggle,
  onMore,
}: {
  row: Row;
  shown: number;
  focusable: boolean;
  onFocus: () => void;
  onToggle: () => void;
  onMore: () => void;
}) {
  const indent = { paddingLeft: `${(Math.min(row.depth, 24) - 1) * 14}px` };
  const common = {
    role: "treeitem",
    "aria-level": row.depth,
    tabIndex: focusable ? 0 : -1,
    onFocus,
    style: indent,
  } as const;
  if (row.more !== undefined) {
    return (
      <div {...common} class="tree-row more" onClick={onMore}>
        <span class="twist" />
        Show more of the {row.more.toLocaleString("en")} others
      </div>
    );
  }
  const toggles = row.open !== undefined;
  return (
    <div
      {...common}
      class={`tree-row${toggles ? " parent" : ""}`}
      aria-expanded={row.open}
      onClick={toggles ? onToggle : undefined}
    >
      <span class="twist">{toggles && <Icon name={row.open ? "down" : "right"} size={12} />}</span>
      {row.key !== undefined && (
        <span class={typeof row.key === "number" ? "index" : "key"}>
          {keyText(row.key)}
          <span class="colon">: </span>
        </span>
      )}
      <Leaf row={row} shown={shown} onMore={onMore} />
    </div>
  );
}

const keyText = (key: string | number): string =>
  typeof key === "number" ? String(key) : visible(key.length > 120 ? cut(key, 120) + "…" : key) || '""';

function Leaf({ row, shown, onMore }: { row: Row; shown: number; onMore: () => void }) {
  const v = row.value;
  switch (v.kind) {
    case "string":
      return <StringValue text={v.value} shown={shown} onMore={onMore} />;
    case "number":
      return <span class="v number">{v.text.length > 400 ? v.text.slice(0, 400) + "…" : v.text}</span>;
    case "boolean":
      return <span class="v word">{String(v.value)}</span>;
    case "null":
      return <span class="v word">null</span>;
    case "array":
      return <span class="v sum">{v.items.length ? `[ ${count(sizeOf(v), "item")} ]` : "[ ]"}</span>;
    case "object":
      return <span class="v sum">{v.members.size ? `{ ${count(sizeOf(v), "key")} }` : "{ }"}</span>;
  }
}

const count = (n: number, one: string) => `${n.toLocaleString("en")} ${one}${n === 1 ? "" : "s"}`;

function StringValue({ text, shown, onMore }: { text: string; shown: number; onMore: () => void }) {
  if (!isLong(text)) return <span class="v text">"{visible(text)}"</span>;
  const more = (label: string) => (
    <button
      type="button"
      class="link small"
      tabIndex={-1}
      onClick={(e) => {
        e.stopPropagation();
        onMore();
      }}
    >
      {label}
    </button>
  );
  if (shown === 0) {
    const first = cut(text, shortText).split("\n", 1)[0]!;
    return (
      <span class="v text">
        "{visible(first)}…" {more(`Show more (${text.length.toLocaleString("en")} characters)`)}
      </span>
    );
  }
  const step = Math.min(textStep, text.length - shown).toLocaleString("en");
  return (
    <span class="v text long">
      {visible(cut(text, shown))}
      {shown < text.length && <>… {more(`Show ${step} more of ${text.length.toLocaleString("en")} characters`)}</>}
    </span>
  );
}
