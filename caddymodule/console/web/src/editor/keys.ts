// The keys of the code editor. CodeMirror's own key maps bring its parsers with them, which are not used
// here.
import {
  cursorDocEnd,
  cursorDocStart,
  cursorGroupLeft,
  cursorGroupRight,
  cursorLineBoundaryBackward,
  cursorLineBoundaryForward,
  cursorLineDown,
  cursorLineUp,
  cursorPageDown,
  cursorPageUp,
  deleteGroupBackward,
  deleteGroupForward,
  historyKeymap,
  selectAll,
  selectDocEnd,
  selectDocStart,
  selectGroupLeft,
  selectGroupRight,
  selectLineBoundaryBackward,
  selectLineBoundaryForward,
  selectLineDown,
  selectLineUp,
  selectPageDown,
  selectPageUp,
} from "@codemirror/commands";
import {
  type ChangeSpec,
  EditorSelection,
  type EditorState,
  type Extension,
  type Line,
} from "@codemirror/state";
import { type Command, EditorView, type KeyBinding } from "@codemirror/view";
import type { Language } from "./tokens";

const unit = "  ";
const pairs: Record<string, string> = { "{": "}", "[": "]", "(": ")", '"': '"' };

/** Typing an opening bracket or a quote adds the other one; typing that one goes over it. */
export const closing: Extension = EditorView.inputHandler.of((view, from, to, text) => {
  const { doc, selection } = view.state;
  if (text.length !== 1 || selection.ranges.length > 1 || view.state.readOnly || view.composing) return false;
  const next = doc.sliceString(to, to + 1),
    before = doc.sliceString(Math.max(0, from - 1), from);
  if (from === to && next === text && Object.values(pairs).includes(text) && before !== "\\") {
    view.dispatch({ selection: { anchor: from + 1 }, userEvent: "select" });
    return true;
  }
  const other = pairs[text];
  if (
    other === undefined ||
    (from === to && !/^[\s)\]},;:]?$/.test(next)) ||
    (text === '"' && /[\w"\\]/.test(before))
  )
    return false;
  view.dispatch({
    changes: { from, to, insert: text + doc.sliceString(from, to) + other },
    selection: EditorSelection.single(from + 1, to + 1),
    userEvent: "input.type",
  });
  return true;
});

/** Backspace between a pair removes both. */
const removePair: Command = ({ state, dispatch }) => {
  const { head, empty } = state.selection.main;
  const before = state.sliceDoc(Math.max(0, head - 1), head);
  if (!empty || state.readOnly || before === "" || pairs[before] !== state.sliceDoc(head, head + 1))
    return false;
  dispatch(state.update({ changes: { from: head - 1, to: head + 1 }, userEvent: "delete.backward" }));
  return true;
};

/** A new line is indented like the one before, and more behind an opening bracket. */
const newLine: Command = ({ state, dispatch }) => {
  if (state.readOnly) return false;
  dispatch(
    state.update(
      state.changeByRange(({ from, to }) => {
        const line = state.doc.lineAt(from);
        const indent = /^[ \t]*/.exec(line.text.slice(0, from - line.from))![0];
        const open = from > 0 ? state.sliceDoc(from - 1, from) : "";
        const deeper = open !== "" && "{[(".includes(open);
        const insert = `\n${indent}${deeper ? unit : ""}`;
        const close = deeper && pairs[open] === state.sliceDoc(to, to + 1) ? `\n${indent}` : "";
        return {
          changes: { from, to, insert: insert + close },
          range: EditorSelection.cursor(from + insert.length),
        };
      }),
      { scrollIntoView: true, userEvent: "input" },
    ),
  );
  return true;
};

/** Changes each line of the selection. */
const eachLine =
  (change: (line: Line, state: EditorState) => ChangeSpec | undefined): Command =>
  ({ state, dispatch }) => {
    if (state.readOnly) return false;
    const changes: ChangeSpec[] = [];
    let last = 0;
    for (const { from, to, empty } of state.selection.ranges) {
      for (let n = state.doc.lineAt(from).number; n <= state.doc.lines; n++) {
        const line = state.doc.line(n);
        if (line.from > to || (line.from === to && !empty && line.from > from)) break;
        const spec = n > last ? change(line, state) : undefined;
        if (spec) changes.push(spec);
        last = Math.max(last, n);
      }
    }
    const set = state.changes(changes);
    dispatch(
      state.update({ changes: set, selection: state.selection.map(set, 1), userEvent: "input.indent" }),
    );
    return true;
  };

const indentLines = eachLine((line) => (line.length > 0 ? { from: line.from, insert: unit } : undefined));
const outdent = eachLine((line) => {
  const n = /^(?: {1,2}|\t)/.exec(line.text)?.[0].length;
  return n ? { from: line.from, to: line.from + n } : undefined;
});

/** Tab indents the lines of a selection, and is two spaces without one. */
const indent: Command = (view) => {
  const { state } = view;
  if (state.readOnly) return false;
  if (state.selection.ranges.some((r) => !r.empty)) return indentLines(view);
  view.dispatch(state.replaceSelection(unit), { scrollIntoView: true, userEvent: "input" });
  return true;
};

/** Comments the lines of the selection, or the other way around. */
const comment: Command = (view) => {
  const { state } = view;
  const { from, to } = state.selection.main;
  const all = state
    .sliceDoc(state.doc.lineAt(from).from, state.doc.lineAt(to).to)
    .split("\n")
    .filter((l) => l.trim() !== "");
  const off = all.length > 0 && all.every((l) => /^\s*\/\//.test(l));
  return eachLine((line) => {
    const at = line.from + /^\s*/.exec(line.text)![0].length;
    if (off) return { from: at, to: at + (/^\s*\/\/ ?/.exec(line.text)?.[0].length ?? 0) - (at - line.from) };
    return line.text.trim() === "" ? undefined : { from: at, insert: "// " };
  })(view);
};

/** The keys of a language. Plain arrows and deleting a character are the browser's. */
export const keys = (language: Language): readonly KeyBinding[] => [
  { key: "Enter", run: newLine, shift: newLine },
  { key: "Tab", run: indent, shift: outdent },
  { key: "Backspace", run: removePair },
  ...(language === "javascript" ? [{ key: "Mod-/", run: comment }] : []),
  { key: "ArrowUp", run: cursorLineUp, shift: selectLineUp, preventDefault: true },
  { key: "ArrowDown", run: cursorLineDown, shift: selectLineDown, preventDefault: true },
  { key: "PageUp", run: cursorPageUp, shift: selectPageUp },
  { key: "PageDown", run: cursorPageDown, shift: selectPageDown },
  { key: "Home", run: cursorLineBoundaryBackward, shift: selectLineBoundaryBackward, preventDefault: true },
  { key: "End", run: cursorLineBoundaryForward, shift: selectLineBoundaryForward, preventDefault: true },
  { key: "Mod-Home", mac: "Cmd-ArrowUp", run: cursorDocStart, shift: selectDocStart },
  { key: "Mod-End", mac: "Cmd-ArrowDown", run: cursorDocEnd, shift: selectDocEnd },
  {
    key: "Mod-ArrowLeft",
    mac: "Alt-ArrowLeft",
    run: cursorGroupLeft,
    shift: selectGroupLeft,
    preventDefault: true,
  },
  {
    key: "Mod-ArrowRight",
    mac: "Alt-ArrowRight",
    run: cursorGroupRight,
    shift: selectGroupRight,
    preventDefault: true,
  },
  {
    mac: "Cmd-ArrowLeft",
    run: cursorLineBoundaryBackward,
    shift: selectLineBoundaryBackward,
    preventDefault: true,
  },
  {
    mac: "Cmd-ArrowRight",
    run: cursorLineBoundaryForward,
    shift: selectLineBoundaryForward,
    preventDefault: true,
  },
  { key: "Mod-Backspace", mac: "Alt-Backspace", run: deleteGroupBackward, preventDefault: true },
  { key: "Mod-Delete", mac: "Alt-Delete", run: deleteGroupForward, preventDefault: true },
  { key: "Mod-a", run: selectAll },
  ...historyKeymap,
];
