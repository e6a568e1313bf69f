// Texts in the graph are cut to the width that they have there: SVG does not cut them.
import { line } from "../ui/text";

const cut = new Map<string, string>();
const maxCut = 4000;
let context: CanvasRenderingContext2D | null | undefined;

/** Cuts a text to a width in pixels, at a font such as "600 13px" of the page's family. */
export function fit(text: string, width: number, font: string): string {
  const key = `${font}|${width}|${text.slice(0, 200)}`;
  let shown = cut.get(key);
  if (shown === undefined) {
    shown = measure(line(text, 120), width, font);
    if (cut.size >= maxCut) cut.clear();
    cut.set(key, shown);
  }
  return shown;
}

/** The font of the context, and the page's family: both are slow to ask for and to set, and a graph has 500 texts. */
let current = "";
let family = "";

function measure(text: string, width: number, font: string): string {
  // No letter of ASCII is wider than the font is high.
  const height = Number(/([\d.]+)px/.exec(font)?.[1] ?? Infinity);
  if (text.length * height * 1.05 <= width && /^[\x20-\x7e]*$/.test(text)) return text;
  context ??= document.createElement("canvas").getContext("2d");
  if (!context) return line(text, Math.floor(width / 7.5));
  family ||= getComputedStyle(document.documentElement).fontFamily;
  if (current !== font) context.font = `${(current = font)} ${family}`;
  if (context.measureText(text).width <= width) return text;
  const letters = [...text];
  let low = 0;
  let high = letters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(letters.slice(0, middle).join("") + "…").width <= width) low = middle;
    else high = middle - 1;
  }
  return letters.slice(0, low).join("").trimEnd() + "…";
}
