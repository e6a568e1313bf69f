// The icons: strokes on a grid of 20, in the color of the text. They say nothing alone: a word is
// always beside them, or in the label of their button.
const paths = {
  workflow: "M3.5 4.5h5v4h-5zM11.5 11.5h5v4h-5zM8.5 6.5H14v5",
  runs: "M10 3.5a6.5 6.5 0 1 1-6 4M10 6.5V10l2.5 1.5M3.5 3.5v4h4",
  secret: "M7.5 12.5a3.5 3.5 0 1 1 2.6-5.8L17 6.7v3.1h-2v2h-2.4v-1.6h-1.7a3.5 3.5 0 0 1-3.4 2.3zM7 9h.01",
  global: "M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM3 10h14M10 3c2.5 2 3 5 3 7s-.5 5-3 7c-2.5-2-3-5-3-7s.5-5 3-7",
  node: "M10 3l6 3.5v7L10 17l-6-3.5v-7zM4 6.5l6 3.5 6-3.5M10 10v7",
  status: "M2.5 10.5H6L8 4.5l4 11 2-5h3.5",
  plus: "M10 4v12M4 10h12",
  close: "M5 5l10 10M15 5L5 15",
  check: "M4 10.5l4 4 8-9",
  copy: "M7 7h9v9H7zM4 13V4h9",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6M8.5 9v4M11.5 9v4",
  edit: "M4 16l.7-3.3L13 4.4l2.6 2.6-8.3 8.3z",
  play: "M6 4l10 6-10 6z",
  replay: "M4 10a6 6 0 1 0 2-4.5L4 7.5M4 3.5v4h4",
  stop: "M5 5h10v10H5z",
  download: "M10 3v9M6 8.5l4 4 4-4M4 16h12",
  upload: "M10 12.5V3.5M6 7l4-4 4 4M4 16h12",
  undo: "M4 8h8a4 4 0 0 1 0 8H8M7 4.5L3.5 8 7 11.5",
  redo: "M16 8H8a4 4 0 0 0 0 8h4M13 4.5L16.5 8 13 11.5",
  fit: "M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4",
  minus: "M4 10h12",
  search: "M9 3.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11zM13 13l4 4",
  menu: "M3 5h14M3 10h14M3 15h14",
  more: "M4 10a.6.6 0 1 0 1 0a.6.6 0 1 0-1 0M9.5 10a.6.6 0 1 0 1 0a.6.6 0 1 0-1 0M15 10a.6.6 0 1 0 1 0a.6.6 0 1 0-1 0",
  left: "M12.5 4l-6 6 6 6",
  right: "M7.5 4l6 6-6 6",
  down: "M4 7.5l6 6 6-6",
  up: "M4 13.5l6-6 6 6",
  warn: "M10 3.5l7.5 13h-15zM10 8v4M10 14.3v.01",
  info: "M10 3a7 7 0 1 0 0 14a7 7 0 0 0 0-14zM10 9v4.5M10 6.5v.01",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 8a2 2 0 1 0 0 4a2 2 0 0 0 0-4z",
  key: "M7.5 12.5a3.5 3.5 0 1 1 2.6-5.8L17 6.7v3.1h-2v2h-2.4v-1.6h-1.7a3.5 3.5 0 0 1-3.4 2.3z",
  link: "M8 12l4-4M9 6l1.5-1.5a3.5 3.5 0 0 1 5 5L14 11M11 14l-1.5 1.5a3.5 3.5 0 0 1-5-5L6 9",
  bolt: "M11 2.5L4.5 11.5H10L9 17.5l6.5-9H10z",
  code: "M7 6l-4 4 4 4M13 6l4 4-4 4",
  branch: "M5 4v12M5 10c6 0 9-1 9-5M12 6.5L14 4l2.5 2.5M5 10c6 0 9 1 9 5M12 13.5l2 2.5 2.5-2.5",
  http: "M3 10h11M10 5l5 5-5 5M17 4v12",
  shuffle:
    "M3 6h3c4 0 4 8 8 8h3M14 11l3 3-3 3M3 14h3c1.5 0 2.5-1 3.2-2.5M11 7c.8-.7 1.7-1 3-1h3M14 3l3 3-3 3",
  user: "M10 3.5a3 3 0 1 0 0 6a3 3 0 0 0 0-6zM4 16.5c.5-3.5 3-5 6-5s5.5 1.5 6 5",
  cases:
    "M3 10h4M7 10c4 0 3-5.5 9-5.5M7 10h9M7 10c4 0 3 5.5 9 5.5M14 2.5l2.5 2-2.5 2M14 13.5l2.5 2-2.5 2",
  tidy: "M3 7.500h4v5H3zM13 3.5h4v5h-4zM13 11.5h4v5h-4zM7 10h3M10 10V6h3M10 10v4h3",
  list: "M3.5 5h.01M3.5 10h.01M3.5 15h.01M7 5h10M7 10h10M7 15h10",
} as const;

export type IconName = keyof typeof paths;

/** The stroke of an icon, for drawings. */
export const iconPath = (name: IconName): string => paths[name];

const types: Record<string, IconName> = {
  trigger: "bolt",
  transform: "shuffle",
  condition: "branch",
  switch: "cases",
  "http-request": "http",
  code: "code",
};
/** The icon of a node type. */
export const iconOfType = (type: string): IconName => (Object.hasOwn(types, type) ? types[type]! : "node");

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
