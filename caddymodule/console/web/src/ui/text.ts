// Texts from outside (names, outputs, logs, errors) as they are shown: always as text, with what is
// invisible made visible.

// eslint-disable-next-line no-control-regex
const invisible =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Makes control characters, and marks that change the direction of text, visible as ⟨U+202E⟩. Tabs
 * and new lines stay.
 */
export function visible(text: string): string {
  return text.replace(invisible, (c) => `⟨U+${c.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`);
}

/** One visible line of at most max characters. */
export function line(text: string, max = 200): string {
  const flat = visible(text.slice(0, 4 * max))
    .replace(/\s+/g, " ")
    .trim();
  return flat.length > max || text.length > 4 * max ? flat.slice(0, max - 1) + "…" : flat;
}

/** 1 workflow, 2 workflows. */
export const plural = (n: number, one: string, many = one + "s"): string =>
  `${n.toLocaleString("en")} ${n === 1 ? one : many}`;

/** A size in bytes: 1.5 KiB. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return `${unit === 0 || n >= 100 ? Math.round(n) : n.toFixed(1).replace(/\.0$/, "")} ${units[unit]}`;
}

/** A duration in nanoseconds: 12 µs, 1.5 ms, 2.1 s, 3 min 20 s. */
export function duration(ns: number): string {
  const short = (n: number) => (n >= 100 ? Math.round(n) : n.toFixed(n >= 10 ? 1 : 2).replace(/\.?0+$/, ""));
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 1e6) return `${short(ns / 1e3)} µs`;
  if (ns < 1e9) return `${short(ns / 1e6)} ms`;
  if (ns < 60e9) return `${short(ns / 1e9)} s`;
  const s = Math.round(ns / 1e9);
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

/** How long ago a time was, or in how long it is: 3 s ago, in 2 h. */
export function ago(time: number, now: number): string {
  const s = Math.round((now - time) / 1000);
  const abs = Math.abs(s);
  const text =
    abs < 60
      ? `${abs} s`
      : abs < 3600
        ? `${Math.round(abs / 60)} min`
        : abs < 48 * 3600
          ? `${Math.round(abs / 3600)} h`
          : `${Math.round(abs / 86400)} d`;
  return abs < 2 ? "now" : s > 0 ? `${text} ago` : `in ${text}`;
}

/** A time with milliseconds in this machine's zone: 2026-11-30 12:59:58.123. */
export function exactTime(time: number): string {
  const d = new Date(time);
  const pad = (n: number, width = 2) => String(n).padStart(width, "0");
  return (
    `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ` +
    `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}.${pad(d.getMilliseconds(), 3)}`
  );
}
