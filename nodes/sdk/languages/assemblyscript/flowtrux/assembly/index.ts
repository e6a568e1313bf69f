// The SDK for nodes of FlowTrux Edge in AssemblyScript: version 1 of their ABI, JSON in and out. A node says what it is, is a function
// from its config to an answer, and hands on what a module has to export:
//
//   import { Answer, Json, fatal, handle, manifest, output, quote } from "flowtrux/assembly";
//   export { alloc, run, describe } from "flowtrux/assembly";
//
//   manifest('{"abi":1,"type":"hello","version":"1.0.0"}');
//   handle((config: Json): Answer => {
//     const name = config.get("name").string();
//     return name === null ? fatal("bad_config", "name must be a string") : output(`{"hello":${quote(name)}}`);
//   });
//
// Each call begins with the state that the module had when it was loaded, so nothing has to be freed: build with --runtime stub.

import { Answer, FAIL, FATAL, OUTPUT, ROUTED, labelled, pack } from "./answer";
import { Json } from "./json";

export { Answer } from "./answer";
export { Json, quote } from "./json";
export { Level, Reply, addGlobal, getGlobal, http, log, setGlobal } from "./host";

let text: string = "";
let only: (config: Json) => Answer = (config: Json): Answer => fatal("no_node", "the module has no node");
const nodes: ((config: Json) => Answer)[] = [];

/** Says what the node is: its manifest, JSON. */
export function manifest(json: string): void {
  text = json;
}

/** Makes a function the module's node, of which there is one. */
export function handle(run: (config: Json) => Answer): void {
  only = run;
}

/** Adds a node to a module with several, 32 at most: its manifest, JSON with a type of its own, and its function. The module exports
    run_type instead of run, and uses neither manifest nor handle. */
export function node(json: string, run: (config: Json) => Answer): void {
  text = nodes.length == 0 ? "[" + json + "]" : text.substring(0, text.length - 1) + "," + json + "]";
  nodes.push(run);
}

/** The output, JSON. */
export function output(json: string): Answer {
  return new Answer(OUTPUT, String.UTF8.encode(json));
}

/** The output of a node with handles, and the handle to follow. */
export function route(to: string, json: string): Answer {
  return new Answer(ROUTED, labelled(to, json));
}

/** An error that the node's retry applies to. The first line of the message can reach senders: no secrets in it. */
export function fail(code: string, message: string): Answer {
  return new Answer(FAIL, labelled(code, message));
}

/** An error that another attempt cannot mend. */
export function fatal(code: string, message: string): Answer {
  return new Answer(FATAL, labelled(code, message));
}

// The exports of the module.

export function alloc(n: i32): usize {
  return heap.alloc(n);
}

export function run(ptr: usize, n: i32): u64 {
  return pack(only(new Json(String.UTF8.decodeUnsafe(ptr, n))));
}

export function run_type(type: i32, ptr: usize, n: i32): u64 {
  return pack(nodes[type](new Json(String.UTF8.decodeUnsafe(ptr, n))));
}

export function describe(): u64 {
  return pack(output(text));
}

/** What a failed assertion, or a throw, does: the call ends with a trap. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  unreachable();
}
