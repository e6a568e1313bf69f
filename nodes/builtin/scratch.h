// scratch.h gives memory back that was taken for a while: by a function whose result has no part of it.
#ifndef SCRATCH_H
#define SCRATCH_H

#include "../sdk/languages/c/flowtrux.h"

#ifdef __wasi__ // the memory is not the SDK's: tests run with a library, to watch each allocation
static inline uintptr_t scratch_begin(void) { return 0; }
static inline void scratch_end(uintptr_t) {}
#else
static inline uintptr_t scratch_begin(void) { return ft_heap_; }

// scratch_end gives all back that was taken since scratch_begin.
static inline void scratch_end(uintptr_t begin) { ft_heap_ = begin; }
#endif

#endif
