// The look of the code editor, in the page's colors: custom properties reach into its shadow root.
import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

export const look: Extension = EditorView.theme({
  "&": { height: "100%", fontSize: "13px", color: "var(--text)", backgroundColor: "var(--surface)" },
  "&.cm-focused": { outline: "none" }, // the box around it shows the focus
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px", overflow: "auto" },
  ".cm-content": { padding: "5px 0", caretColor: "var(--text)" },
  ".cm-gutters": {
    backgroundColor: "var(--sunken)",
    color: "var(--muted)",
    border: "0",
    borderRight: "1px solid var(--border)",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 35%, transparent)" },
  ".cm-activeLineGutter": { backgroundColor: "transparent", color: "var(--text)" },
  ".cm-line ::selection, .cm-line::selection, .cm-content ::selection": {
    backgroundColor: "var(--code-selection)",
  },
  ".cm-specialChar": { color: "var(--bad)" },
  ".tok-key": { color: "var(--code-key)" },
  ".tok-string": { color: "var(--code-string)" },
  ".tok-number": { color: "var(--code-number)" },
  ".tok-word": { color: "var(--code-word)" },
  ".tok-call": { color: "var(--code-call)" },
  ".tok-comment": { color: "var(--muted)", fontStyle: "italic" },
  ".tok-template": { color: "var(--accent)", backgroundColor: "var(--accent-soft)", borderRadius: "3px" },
  ".tok-invalid": { color: "var(--bad)" },
  ".tok-bracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  ".problem": { textDecoration: "underline wavy 1px", textUnderlineOffset: "3px" },
  ".problem.bad": { textDecorationColor: "var(--bad)" },
  ".problem.warn": { textDecorationColor: "var(--warn)" },
  ".signs": { width: "16px" },
  ".sign": {
    display: "block",
    margin: "3px 1px",
    width: "14px",
    height: "14px",
    borderRadius: "50%",
    textAlign: "center",
    lineHeight: "14px",
    fontWeight: "700",
    fontSize: "11px",
    cursor: "help",
  },
  ".sign.bad": { backgroundColor: "var(--bad)", color: "var(--surface)" },
  ".sign.warn": { backgroundColor: "var(--warn)", color: "var(--surface)" },
  ".found": { backgroundColor: "var(--warn-soft)", outline: "1px solid var(--warn)" },
  ".found.here": { backgroundColor: "var(--code-selection)" },
});
