// Finding in the editor: the browser's own search sees only the lines that are drawn.
import { EditorSelection, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, type KeyBinding, type Panel, showPanel, ViewPlugin, type ViewUpdate } from "@codemirror/view";

interface Find { open: boolean; query: string }
const setFind = StateEffect.define<Partial<Find>>();

/** The most places that are counted and marked. */
const maxFound = 1000;

const find = StateField.define<Find>({
  create: () => ({ open: false, query: "" }),
  update: (now, tr) => tr.effects.reduce((f, e) => (e.is(setFind) ? { ...f, ...e.value } : f), now),
  provide: (field) => showPanel.from(field, (f) => (f.open ? panel : null)),
});

function places(view: EditorView): number[] {
  const { open, query } = view.state.field(find);
  const out: number[] = [];
  if (!open || !query) return out;
  const text = view.state.doc.toString().toLowerCase();
  const wanted = query.toLowerCase();
  for (let at = text.indexOf(wanted); at >= 0 && out.length < maxFound; at = text.indexOf(wanted, at + wanted.length)) out.push(at);
  return out;
}

const found = ViewPlugin.fromClass(class {
  decorations: DecorationSet = Decoration.none;
  places: number[] = [];
  update(u: ViewUpdate) {
    if (!u.docChanged && u.startState.field(find) === u.state.field(find)) return;
    this.places = places(u.view);
    const { length } = u.state.field(find).query;
    this.decorations = Decoration.set(this.places.map((at) => Decoration.mark({ class: "found" }).range(at, at + length)));
  }
}, { decorations: (plugin) => plugin.decorations });

/** Selects the next place, or the one before, beyond the end from the begin. */
function go(view: EditorView, forward: boolean): boolean {
  const list = view.plugin(found)?.places ?? [];
  const { from } = view.state.selection.main;
  const next = forward ? list.find((at) => at > from) ?? list[0] : list.findLast((at) => at < from) ?? list.at(-1);
  if (next === undefined) return true;
  const range = EditorSelection.range(next, next + view.state.field(find).query.length);
  view.dispatch({ selection: range, effects: EditorView.scrollIntoView(range, { y: "center" }) });
  return true;
}

function close(view: EditorView): boolean {
  if (!view.state.field(find).open) return false;
  view.dispatch({ effects: setFind.of({ open: false }) });
  view.focus();
  return true;
}

function panel(view: EditorView): Panel {
  const dom = document.createElement("div");
  dom.className = "find";
  const input = dom.appendChild(document.createElement("input"));
  input.placeholder = "Find";
  input.setAttribute("aria-label", "Find in the text");
  const count = dom.appendChild(document.createElement("span"));
  count.setAttribute("role", "status");
  const button = (text: string, label: string, run: () => void) => {
    const b = dom.appendChild(document.createElement("button"));
    [b.type, b.textContent, b.title] = ["button", text, label];
    b.setAttribute("aria-label", label);
    b.onclick = run;
  };
  button("↑", "Previous (Shift+Enter)", () => go(view, false));
  button("↓", "Next (Enter)", () => go(view, true));
  button("×", "Close (Esc)", () => close(view));
  input.value = view.state.field(find).query;
  input.oninput = () => {
    view.dispatch({ effects: setFind.of({ query: input.value }) });
    go(view, true);
  };
  input.onkeydown = (e) => {
    if (e.key === "Enter") { e.preventDefault(); go(view, !e.shiftKey); }
    if (e.key === "Escape") { e.preventDefault(); close(view); }
  };
  const tell = () => {
    const list = view.plugin(found)?.places ?? [];
    const at = list.indexOf(view.state.selection.main.from);
    const all = `${list.length}${list.length === maxFound ? "+" : ""}`;
    count.textContent = !input.value ? "" : list.length === 0 ? "not found" : at < 0 ? all : `${at + 1} of ${all}`;
  };
  return { dom, top: true, mount: () => input.select(), update: tell };
}

export const finding = [find, found];
export const findKeys: readonly KeyBinding[] = [
  { key: "Mod-f", run: (view) => {
    const { main } = view.state.selection;
    const word = main.empty || main.to - main.from > 100 ? undefined : view.state.sliceDoc(main.from, main.to);
    view.dispatch({ effects: setFind.of({ open: true, ...(word === undefined ? {} : { query: word }) }) });
    (view.dom.querySelector(".find input") as HTMLInputElement | null)?.select();
    return true;
  } },
  { key: "Escape", run: close },
  { key: "F3", run: (view) => go(view, true), shift: (view) => go(view, false), preventDefault: true },
];
