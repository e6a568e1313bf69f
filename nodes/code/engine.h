// What the glue uses of QuickJS-ng's C interface, as the engine's module exports it. The package that the engine comes from
// has no headers; these declarations say what its functions' WebAssembly types say.
#ifndef ENGINE_H
#define ENGINE_H

#define ENGINE(name) __attribute__((import_module("quickjs"), import_name(#name))) name

typedef unsigned int size;
typedef unsigned char byte;
typedef unsigned long long JSValue; // the tag is in the upper half, a pointer or a small value in the lower
typedef struct JSContext JSContext;
typedef struct JSRuntime JSRuntime;
typedef struct JSModuleDef JSModuleDef;
typedef unsigned int JSAtom; // the number of a key; 0 is none

enum { TAG_FIRST = -9, TAG_STRING = -7, TAG_ROPE = -6, TAG_OBJECT = -1, TAG_INT = 0, TAG_BOOL = 1, TAG_NULL = 2, TAG_UNDEFINED = 3, TAG_EXCEPTION = 6, TAG_FLOAT = 8 };

static inline JSValue special(int tag) { return (JSValue)tag << 32; }
static inline JSValue integer(int n) { return (JSValue)TAG_INT << 32 | (unsigned)n; }
static inline JSValue boolean(int b) { return (JSValue)TAG_BOOL << 32 | (unsigned)b; }
static inline int tag_of(JSValue v) { return (int)(v >> 32); }
static inline void *pointer_of(JSValue v) { return (void *)(size)v; }
static inline int is_exception(JSValue v) { return tag_of(v) == TAG_EXCEPTION; }
static inline int is_object(JSValue v) { return tag_of(v) == TAG_OBJECT; }
static inline int is_string(JSValue v) { return tag_of(v) == TAG_STRING || tag_of(v) == TAG_ROPE; }
static inline int is_integer(JSValue v) { return tag_of(v) == TAG_INT; }
static inline int is_float(JSValue v) { return (unsigned)(tag_of(v) - TAG_FIRST) >= TAG_FLOAT - TAG_FIRST; }
static inline int is_boolean(JSValue v) { return tag_of(v) == TAG_BOOL; }
static inline int is_null(JSValue v) { return tag_of(v) == TAG_NULL; }
static inline int is_undefined(JSValue v) { return tag_of(v) == TAG_UNDEFINED; }

enum { EVAL_SCRIPT = 0, EVAL_MODULE = 1, EVAL_STRICT = 1 << 3, EVAL_COMPILE_ONLY = 1 << 5 };

struct options {
	int version;
	int flags;
	const char *filename;
	int line; // of the text's first line
};

// PROPERTY_PLAIN are the flags of a property that code can change, list and delete.
enum { PROPERTY_PLAIN = 1 << 0 | 1 << 1 | 1 << 2 };

// property is a key of an object.
struct property {
	byte enumerable;
	JSAtom key;
};

// Which keys JS_GetOwnPropertyNames lists.
enum { NAMES_TEXTS = 1 << 0, NAMES_ENUMERABLE = 1 << 4 };

enum { PROMISE_PENDING = 0, PROMISE_FULFILLED = 1, PROMISE_REJECTED = 2 };

void __attribute__((import_module("quickjs"), import_name("_initialize"))) engine_initialize(void);
int ENGINE(qjs_init)(void);
JSContext *ENGINE(qjs_get_context_ptr)(void);
JSRuntime *ENGINE(qjs_get_runtime_ptr)(void);
JSValue *ENGINE(qjs_new_host_function)(const char *name, size n, int reserved);
void *ENGINE(wasm_malloc)(size n);
void ENGINE(wasm_free)(void *);
void *ENGINE(realloc)(void *, size n);

void ENGINE(JS_SetGCThreshold)(JSRuntime *, size bytes);
void ENGINE(JS_SetMaxStackSize)(JSRuntime *, size bytes);
void ENGINE(JS_RunGC)(JSRuntime *);
JSValue ENGINE(JS_Eval2)(JSContext *, const char *text, size n, struct options *);
JSValue ENGINE(JS_EvalFunction)(JSContext *, JSValue compiled);
JSValue ENGINE(JS_GetModuleNamespace)(JSContext *, JSModuleDef *);
JSValue ENGINE(JS_Call)(JSContext *, JSValue function, JSValue self, int argc, JSValue *argv);
int ENGINE(JS_ExecutePendingJob)(JSRuntime *, JSContext **);
int ENGINE(JS_IsPromise)(JSValue);
int ENGINE(JS_PromiseState)(JSContext *, JSValue);
JSValue ENGINE(JS_PromiseResult)(JSContext *, JSValue);
JSValue ENGINE(JS_GetException)(JSContext *);
JSValue ENGINE(JS_Throw)(JSContext *, JSValue);
JSValue ENGINE(JS_ThrowTypeError)(JSContext *, const char *format, ...);
JSValue ENGINE(JS_ThrowOutOfMemory)(JSContext *);
JSValue ENGINE(JS_NewObject)(JSContext *);
void ENGINE(JS_FreeValue)(JSContext *, JSValue);
void ENGINE(js_free)(JSContext *, void *);
unsigned ENGINE(JS_GetClassID)(JSValue);
int ENGINE(JS_IsFunction)(JSContext *, JSValue);
int ENGINE(JS_GetOwnPropertyNames)(JSContext *, struct property **, unsigned *n, JSValue, int flags);
int ENGINE(JS_GetLength)(JSContext *, JSValue, long long *);
JSValue ENGINE(JS_GetPropertyInt64)(JSContext *, JSValue, long long);
JSValue ENGINE(JS_GetPropertyStr)(JSContext *, JSValue, const char *name);
int ENGINE(JS_SetPropertyStr)(JSContext *, JSValue, const char *name, JSValue);
JSValue ENGINE(JS_GetProperty)(JSContext *, JSValue, JSAtom);
int ENGINE(JS_DefinePropertyValue)(JSContext *, JSValue, JSAtom, JSValue, int flags);
JSValue ENGINE(JS_NewArrayFrom)(JSContext *, int n, const JSValue *); // takes the values over
JSAtom ENGINE(JS_NewAtomLen)(JSContext *, const char *ascii, size n);
JSAtom ENGINE(JS_NewAtomUInt32)(JSContext *, unsigned);
JSValue ENGINE(JS_AtomToString)(JSContext *, JSAtom);
JSAtom ENGINE(JS_ValueToAtom)(JSContext *, JSValue);
JSValue ENGINE(JS_NewNumber)(JSContext *, double);
JSValue ENGINE(JS_ParseJSON)(JSContext *, const char *text, size n, const char *filename);
JSValue ENGINE(JS_JSONStringify)(JSContext *, JSValue, JSValue replacer, JSValue space);
JSValue ENGINE(JS_NewStringLen)(JSContext *, const char *, size n);
const char *ENGINE(JS_ToCStringLen2)(JSContext *, size *n, JSValue, int cesu8);
void ENGINE(JS_FreeCString)(JSContext *, const char *);
int ENGINE(JS_ToInt32)(JSContext *, int *, JSValue);
JSValue ENGINE(JS_NewUint8ArrayCopy)(JSContext *, const byte *, size n);
byte *ENGINE(JS_GetUint8Array)(JSContext *, size *n, JSValue);

// grow makes room for n bytes behind p, which was allocated or else holds used bytes. Without
// memory for it the result is 0.
static inline void *grow(void *p, int allocated, size used, size n) {
	void *larger = realloc(allocated ? p : 0, n);
	if (larger && !allocated)
		__builtin_memcpy(larger, p, used);
	return larger;
}

#endif
