// What the host does for a node. A module imports what it uses of this, and its manifest has to ask for the capability.

@external("flowtrux_v1", "log")
declare function importLog(level: i32, ptr: usize, n: i32): void;
@external("flowtrux_v1", "http")
declare function importHTTP(ptr: usize, n: i32): i32;
@external("flowtrux_v1", "global_set")
declare function importGlobalSet(key: usize, keyLen: i32, value: usize, valueLen: i32): i32;
@external("flowtrux_v1", "global_get")
declare function importGlobalGet(key: usize, keyLen: i32): i32;
@external("flowtrux_v1", "global_add")
declare function importGlobalAdd(key: usize, keyLen: i32, by: i64): i32;
@external("flowtrux_v1", "take")
declare function importTake(ptr: usize): void;

export enum Level {
  Debug = 0,
  Info = 1,
  Warn = 2,
  Error = 3,
}

/** What the host answers: a value, or an error. */
export class Reply {
  ok: bool = false;
  value: string = "";
  code: string = "";
  message: string = "";
  fatal: bool = false;
}

/** Writes a line to the node's log: capability log. */
export function log(level: Level, message: string): void {
  const m = String.UTF8.encode(message);
  importLog(level, changetype<usize>(m), m.byteLength);
}

/** Does a request, JSON like the config of the node http-request: capability http. */
export function http(request: string): Reply {
  const r = String.UTF8.encode(request);
  return take(importHTTP(changetype<usize>(r), r.byteLength));
}

/** Writes a global value, raw JSON: capability globals. */
export function setGlobal(key: string, json: string): Reply {
  const k = String.UTF8.encode(key);
  const v = String.UTF8.encode(json);
  return take(importGlobalSet(changetype<usize>(k), k.byteLength, changetype<usize>(v), v.byteLength));
}

/**
 * Reads a global value, raw JSON, which is empty when there is none: capability globals. Secret ones, whose keys begin with __secret, are
 * refused. The value is as it is now: for a value that a workflow names, a template in the config is the better way.
 */
export function getGlobal(key: string): Reply {
  const k = String.UTF8.encode(key);
  return take(importGlobalGet(changetype<usize>(k), k.byteLength));
}

/**
 * Adds to a global value that is an integer, 0 when there is none, and gives the sum, JSON: capability globals. Additions that are made at
 * the same time, here or on other servers, are all counted. A call that is made again adds again.
 */
export function addGlobal(key: string, by: i64): Reply {
  const k = String.UTF8.encode(key);
  return take(importGlobalAdd(changetype<usize>(k), k.byteLength, by));
}

/** Fetches the answer of n bytes that the host holds: its kind, then its payload. */
function take(n: i32): Reply {
  const p = heap.alloc(n);
  importTake(p);
  const reply = new Reply();
  const kind = load<u8>(p);
  if (kind == 0) {
    reply.ok = true;
    reply.value = String.UTF8.decodeUnsafe(p + 1, n - 1);
    return reply;
  }
  const label = load<u8>(p + 1);
  reply.code = String.UTF8.decodeUnsafe(p + 2, label);
  reply.message = String.UTF8.decodeUnsafe(p + 2 + label, n - 2 - label);
  reply.fatal = kind == 3;
  return reply;
}
