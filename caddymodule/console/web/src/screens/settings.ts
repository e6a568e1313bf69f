// The small screens, in one file: apart they would take more, because small files compress badly.
export { Globals } from "./globals";
export { Nodes } from "./nodes";
export { Secrets } from "./secrets";
export { StatusScreen } from "./status";
