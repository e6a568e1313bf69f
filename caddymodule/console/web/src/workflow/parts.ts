// What the editor of a workflow shows after its graph, in one file that is loaded when the first of it is
// opened.
export { DocumentTab } from "../editor/DocumentTab";
export { Try } from "../try/Try";
export { ConflictDialog } from "./ConflictDialog";
export { ConnectDialog } from "./Connections";
export { NodePanel } from "./NodePanel";
export { Palette } from "./Palette";
export { NameDialog } from "./NameDialog";
