// What the editor of a workflow shows after its graph, in one file that is loaded when the first of it is opened.
export { DocumentTab } from "../editor/DocumentTab";
export { NodeForm } from "../forms/NodeForm";
export { TriggerForm } from "../forms/TriggerForm";
export { Try } from "../try/Try";
export { ConflictDialog } from "./ConflictDialog";
