// The list of executions and an execution, in one file: who opens the list goes on to one.
export { Execution } from "./execution";
export { Executions } from "./executions";
