// What browsers and Node 20 have and Node 18 lacks. unit.go puts it before each test, since Debian 12
// has Node 18; the page does not contain it.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;

/** Adds a method that changes a copy of an array, where there is none. */
function add(name, change) {
  if (name in Array.prototype) return;
  Object.defineProperty(Array.prototype, name, {
    configurable: true,
    writable: true,
    value(...args) {
      const copy = [...this];
      change(copy, ...args);
      return copy;
    },
  });
}

add("with", (list, index, value) => {
  list[index < 0 ? list.length + index : index] = value;
});
add("toSpliced", (list, ...args) => list.splice(...args));
add("toSorted", (list, compare) => list.sort(compare));
add("toReversed", (list) => list.reverse());
