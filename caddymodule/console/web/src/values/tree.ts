// The rows of a JSON tree. Only what is open becomes rows, and of long arrays and texts only a part, so that
// a value of any size is shown at once.
import type { Json } from "../json/lossless";

/** How many members of an array or object one step shows. */
export const pageSize = 100;
/** How many characters of a text its row shows, and how many each step adds. */
export const shortText = 160;
export const textStep = 4000;

export interface Row {
  /** Identifies the row within its tree. */
  readonly id: string;
  /** 1 = the value itself. */
  readonly depth: number;
  /** The key in an object, or the index in an array; undefined = the value itself. */
  readonly key?: string | number;
  readonly value: Json;
  /** Of arrays and objects that are not empty. */
  readonly open?: boolean;
  /** This row stands for so many further members of an open array or object. */
  readonly more?: number;
}

/** What a user has opened and closed. */
export interface TreeState {
  /** By row: open or closed. Rows that are not in it are as autoOpen says. */
  readonly open: ReadonlyMap<string, boolean>;
  /** By row: how many members of an array or object, or characters of a text, are shown. */
  readonly shown: ReadonlyMap<string, number>;
}
export const noState: TreeState = { open: new Map(), shown: new Map() };

export const sizeOf = (v: Json): number =>
  v.kind === "array" ? v.items.length : v.kind === "object" ? v.members.size : 0;

const childId = (id: string, key: string | number): string =>
  `${id}/${typeof key === "number" ? key : key.replace(/~/g, "~0").replace(/\//g, "~1")}`;

/**
 * Returns what is open at first: level by level from the top, as long as all rows together are at most
 * budget. So a small value is open in full, and of a large one its outline is.
 */
export function autoOpen(root: Json, budget = 40): ReadonlySet<string> {
  const open = new Set<string>();
  let rows = 1;
  let level: { id: string; value: Json }[] = [{ id: "", value: root }];
  for (let depth = 0; level.length > 0; depth++) {
    const next: typeof level = [];
    for (const { id, value } of level) {
      const n = Math.min(sizeOf(value), pageSize);
      if (n === 0 || (depth > 0 && rows + n > budget)) continue;
      rows += n;
      open.add(id);
      for (const [key, child] of children(value, n))
        if (sizeOf(child) > 0) next.push({ id: childId(id, key), value: child });
    }
    level = next;
  }
  return open;
}

/** Returns the first n members. */
function children(v: Json, n: number): (readonly [string | number, Json])[] {
  if (v.kind === "array") return v.items.slice(0, n).map((item, i) => [i, item] as const);
  if (v.kind !== "object") return [];
  const list: (readonly [string, Json])[] = [];
  for (const member of v.members) {
    if (list.length === n) break;
    list.push(member);
  }
  return list;
}

/** Returns the rows that are shown, in order. */
export function rowsOf(root: Json, auto: ReadonlySet<string>, state: TreeState): Row[] {
  const rows: Row[] = [];
  const add = (id: string, depth: number, key: string | number | undefined, value: Json) => {
    const size = sizeOf(value);
    const open = size > 0 ? (state.open.get(id) ?? auto.has(id)) : undefined;
    rows.push({ id, depth, key, value, open });
    if (!open) return;
    const shown = Math.min(size, state.shown.get(id) ?? pageSize);
    for (const [k, child] of children(value, shown)) add(childId(id, k), depth + 1, k, child);
    if (shown < size) rows.push({ id: `${id}~more`, depth: depth + 1, value, more: size - shown });
  };
  add("", 1, undefined, root);
  return rows;
}

export function toggle(state: TreeState, row: Row): TreeState {
  return { ...state, open: new Map(state.open).set(row.id, !row.open) };
}

/** Shows more of what a row stands for: of a "more" row, of its parent. */
export function showMore(state: TreeState, row: Row): TreeState {
  if (row.more !== undefined) {
    const id = row.id.slice(0, -"~more".length);
    return { ...state, shown: new Map(state.shown).set(id, (state.shown.get(id) ?? pageSize) + pageSize) };
  }
  const now = state.shown.get(row.id) ?? 0;
  return { ...state, shown: new Map(state.shown).set(row.id, now + textStep) };
}

/** Reports whether a text is too long, or has too many lines, for its row. */
export const isLong = (text: string): boolean => text.length > shortText || text.includes("\n");

/** Cuts a text without splitting a character. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? length - 1 : length);
}

/** Where a key leads in the tree: the id of the row that gets the focus, or what happens to the row. */
export function keyAction(
  key: string,
  rows: readonly Row[],
  id: string,
): { focus?: string; toggle?: boolean; more?: boolean } | undefined {
  const at = Math.max(
    0,
    rows.findIndex((r) => r.id === id),
  );
  const row = rows[at];
  if (!row) return undefined;
  const focus = (i: number) => ({ focus: rows[Math.min(Math.max(i, 0), rows.length - 1)]!.id });
  switch (key) {
    case "ArrowDown":
      return focus(at + 1);
    case "ArrowUp":
      return focus(at - 1);
    case "Home":
      return focus(0);
    case "End":
      return focus(rows.length - 1);
    case "ArrowRight":
      return row.open === false ? { toggle: true } : row.open ? focus(at + 1) : undefined;
    case "ArrowLeft": {
      if (row.open) return { toggle: true };
      for (let i = at - 1; i >= 0; i--) if (rows[i]!.depth < row.depth) return focus(i);
      return undefined;
    }
    case "Enter":
    case " ":
      if (row.more !== undefined || (row.value.kind === "string" && isLong(row.value.value)))
        return { more: true };
      return row.open === undefined ? undefined : { toggle: true };
  }
  return undefined;
}
