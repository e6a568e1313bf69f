// native.h lets the sources of nodes/builtin be compiled for the machine that tests run on, with sanitizers. It takes the place of wasi-libc
// for flowtrux.h. Addresses of the ABI have 32 bits, so all memory is below 4 GiB: static data, and an arena.
//
// Between two pieces of memory there are bytes that must not be touched.
#ifndef NATIVE_H
#define NATIVE_H

#define __wasi__ 1

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

extern uintptr_t ft_heap_; // where the memory is free, as in flowtrux.h; code may put it back
void *native_alloc(size_t n);
#define malloc native_alloc

#define import_module(name) unused
#define import_name(name) unused
#define export_name(name) used

#endif
