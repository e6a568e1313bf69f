// How answers are packed.

export const OUTPUT: u32 = 0;
export const ROUTED: u32 = 1;
export const FAIL: u32 = 2;
export const FATAL: u32 = 3;

/** What a call gives. */
export class Answer {
  constructor(readonly kind: u32, readonly payload: ArrayBuffer) {}
}

let last: ArrayBuffer = new ArrayBuffer(0); // stays where it is until the host has read it

export function pack(a: Answer): u64 {
  last = a.payload;
  return ((changetype<usize>(last) as u64) << 32) | ((a.kind as u64) << 30) | (last.byteLength as u64);
}

/** A label, the handle or the code, and what follows it. */
export function labelled(label: string, rest: string): ArrayBuffer {
  const l = String.UTF8.encode(label);
  const r = String.UTF8.encode(rest);
  const n = min(l.byteLength, 255);
  const out = new Uint8Array(1 + n + r.byteLength);
  out[0] = n as u8;
  memory.copy(out.dataStart + 1, changetype<usize>(l), n);
  memory.copy(out.dataStart + 1 + n, changetype<usize>(r), r.byteLength);
  return out.buffer;
}
