// The code node: QuickJS-ng behind the node ABI (nodes/abi). The engine is a module of its own; this file is compiled to a
// second one that imports the engine's functions and its memory, and the two are merged into one (see build.go). What can be
// written in JavaScript is in prelude/.
//
// Little is freed: an instance is put back after each call.
#include "engine.h"
#include "json.h"

#define EXPORT(name) __attribute__((export_name(#name))) name
#define HOST(name) __attribute__((import_module("flowtrux_v1"), import_name(#name))) host_##name
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) wasi_##name

void HOST(log)(int level, const void *, size n);
size HOST(http)(const void *, size n);
void HOST(take)(void *);
int WASI(random_get)(void *, size n);

enum kind { OUTPUT = 0, ERROR = 2, FATAL = 3 };

// The engine reads a byte behind the text of a script.
#define SCRIPT(name) static const char script_##name[]

SCRIPT(text) = {
#embed "prelude/text.js" suffix(, 0)
};
SCRIPT(url) = {
#embed "prelude/url.js" suffix(, 0)
};
SCRIPT(fetch) = {
#embed "prelude/fetch.js" suffix(, 0)
};
SCRIPT(code) = {
#embed "prelude/code.js" suffix(, 0)
};

static const char manifest[] = {
#embed "manifest.json"
};

static JSRuntime *runtime;
static JSContext *context;
static JSValue js_prepare, js_explain; // functions of the prelude
static struct writer output;

// The values of the workflow that code reads, in the order of the parameters of a body.
static const char *const roots[] = {"input", "trigger", "steps", "global", "item", "index", "execution", "workflow"};
enum { INPUT, TRIGGER, STEPS, GLOBAL, ITEM, INDEX, EXECUTION, WORKFLOW, ROOTS };
static JSAtom root_keys[ROOTS];

// What prepare leaves to the calls.
static JSValue called;        // the function that the code is, or exports
static int reads_input;       // the code may read its input
static JSValue second;        // the second parameter of an exported function; undefined = the code is a body
static JSValue unread[ROOTS]; // the values of roots that the code does not read

static unsigned long long pack(enum kind kind, const void *p, size n) {
	return (unsigned long long)(size)p << 32 | (size)kind << 30 | n;
}

// text is a value's text in UTF-8; NULL when it has none, with an exception.
static const char *text(JSValue v, size *n) { return JS_ToCStringLen2(context, n, v, 0); }

// settled waits for a promise: until no job is left. Any other value is settled already.
static JSValue settled(JSValue v) {
	if (is_exception(v) || !JS_IsPromise(v))
		return v;
	JSContext *of;
	while (JS_ExecutePendingJob(runtime, &of) > 0) {
	}
	switch (JS_PromiseState(context, v)) {
	case PROMISE_FULFILLED:
		return JS_PromiseResult(context, v);
	case PROMISE_REJECTED:
		return JS_Throw(context, JS_PromiseResult(context, v));
	}
	static const char never[] = "the promise that the code returned is never settled: nothing is left that could do so";
	return JS_Throw(context, JS_NewStringLen(context, never, sizeof never - 1));
}

// exhausted tells whether the heap has come to the end of the memory. Malloc cannot tell: what is
// freed on the way up from where it failed may be enough for it again. But a memory never shrinks,
// so that one that could not grow by a page cannot now.
static int exhausted(void) { return __builtin_wasm_memory_grow(0, 1) == (size)-1; }

// failed answers with the exception, as the prelude puts it: a label, then the message. Without
// room for an error the engine throws null, which code may throw as well.
static unsigned long long failed(enum kind kind) {
	static const char memory[] = "\x06memoryout of memory";
	JSValue thrown = JS_GetException(context);
	if (is_null(thrown) && exhausted())
		return pack(kind, memory, sizeof memory - 1);
	JSValue said = JS_Call(context, js_explain, special(TAG_UNDEFINED), 1, &thrown);
	size n;
	const char *p = is_exception(said) ? 0 : text(said, &n);
	if (!p)
		return pack(kind, memory, sizeof memory - 1);
	return pack(kind, p, n);
}

// answer makes the result of a value.
static unsigned long long answer(JSValue v, enum kind bad) {
	static char text[16 << 10]; // more is allocated
	output.text = text, output.length = 0, output.room = sizeof text, output.allocated = 0;
	switch (is_exception(v) ? -1 : json_write(&output, v)) {
	case 1:
		return pack(OUTPUT, output.text, output.length);
	case 0: // a function, or nothing
		return pack(OUTPUT, "null", 4);
	}
	if (output.allocated) // there is memory for an error then
		wasm_free(output.text);
	return failed(bad);
}

static JSValue property(JSValue object, const char *name) { return JS_GetPropertyStr(context, object, name); }

static void free_values(JSValue *values) {
	for (int i = 0; i < ROOTS; i++)
		JS_FreeValue(context, values[i]);
}

// read_roots reads a config, an object, into the values of the roots.
static int read_roots(byte *json, size n, JSValue *values) {
	for (int i = 0; i < ROOTS; i++)
		values[i] = special(TAG_UNDEFINED);
	struct reader r = {context, json};
	for (byte token = '{'; json_token(&r, token); token = ',') {
		JSAtom key = json_key(&r);
		if (key == root_keys[INPUT] && !reads_input && json_skip(&r))
			continue;
		JSValue v = key ? json_value(&r) : special(TAG_UNDEFINED);
		if (is_exception(v)) {
			free_values(values);
			return 0;
		}
		if (is_undefined(v))
			break;
		for (int i = 0; i < ROOTS; i++)
			if (key == root_keys[i])
				values[i] = v;
	}
	if (json_token(&r, '}') && r.p == json + n)
		return 1;
	free_values(values);
	JSValue config = JS_ParseJSON(context, (char *)json, n, "config");
	for (int i = 0; i < ROOTS && !is_exception(config); i++)
		if (is_exception(values[i] = JS_GetProperty(context, config, root_keys[i])))
			return 0;
	return !is_exception(config);
}

void *EXPORT(alloc)(size n) { return n + json_padding < n ? 0 : wasm_malloc(n + json_padding); }

// prepare_calls keeps what the prelude has made of the source, and what calls need besides.
static int prepare_calls(JSValue made) {
	called = property(made, "called"), second = special(TAG_UNDEFINED);
	reads_input = property(made, "readsInput") == boolean(1);
	for (int i = 0; i < ROOTS; i++)
		if (is_exception(unread[i] = i == INPUT || i == ITEM || i == INDEX ? special(TAG_UNDEFINED) : JS_NewObject(context)))
			return 0;
	if (is_undefined(property(made, "exported")))
		return 1;
	second = JS_NewObject(context);
	for (int i = TRIGGER; i < ROOTS && !is_exception(second); i++)
		if (JS_DefinePropertyValue(context, second, root_keys[i], unread[i], PROPERTY_PLAIN) < 0)
			return 0;
	return !is_exception(second);
}

unsigned long long EXPORT(prepare)(byte *p, size n) {
	p[n] = 0;
	JSValue config = JS_ParseJSON(context, (char *)p, n, "config");
	if (is_exception(config))
		return failed(FATAL);
	JSValue made = JS_Call(context, js_prepare, special(TAG_UNDEFINED), 1, &config);
	if (is_exception(made) || !prepare_calls(made))
		return failed(FATAL);
	unsigned long long r = answer(property(made, "answer"), FATAL);
	JS_RunGC(runtime);
	return r;
}

unsigned long long EXPORT(run)(byte *p, size n) {
	p[n] = 0;
	JSValue values[ROOTS];
	if (!read_roots(p, n, values))
		return failed(ERROR);
	int given = ROOTS;
	if (!is_undefined(second)) {
		for (int i = TRIGGER; i < ROOTS; i++)
			if (!is_undefined(values[i]) && !is_null(values[i]) && JS_DefinePropertyValue(context, second, root_keys[i], values[i], PROPERTY_PLAIN) < 0)
				return failed(ERROR);
		values[1] = second, given = 2;
	} else {
		for (int i = TRIGGER; i < ROOTS; i++)
			if (is_undefined(values[i]) || (is_null(values[i]) && !is_undefined(unread[i])))
				values[i] = unread[i];
	}
	return answer(settled(JS_Call(context, called, special(TAG_UNDEFINED), given, values)), ERROR);
}

unsigned long long EXPORT(describe)(void) { return pack(OUTPUT, manifest, sizeof manifest); }

// What the prelude is given of the outside.

// compile makes a function of the text of one, or a namespace of a module's.
static JSValue compile(JSValue source, JSValue name, int line, int module) {
	size n, m;
	const char *p = text(source, &n), *filename = text(name, &m);
	if (!p || !filename)
		return special(TAG_EXCEPTION);
	struct options o = {1, (module ? EVAL_MODULE : EVAL_SCRIPT) | EVAL_STRICT | EVAL_COMPILE_ONLY, filename, line};
	JSValue code = JS_Eval2(context, p, n, &o);
	if (is_exception(code))
		return code;
	JSModuleDef *def = module ? pointer_of(code) : 0;
	JSValue v = settled(JS_EvalFunction(context, code));
	return is_exception(v) || !module ? v : JS_GetModuleNamespace(context, def);
}

static JSValue http(JSValue request) {
	size n;
	const char *p = text(request, &n);
	if (!p)
		return special(TAG_EXCEPTION);
	n = host_http(p, n);
	char *held = wasm_malloc(n);
	if (!held)
		return JS_ThrowOutOfMemory(context);
	host_take(held);
	JSValue answer = JS_NewObject(context);
	byte kind = *(byte *)held;
	size label = kind == OUTPUT ? 0 : 1 + *(byte *)(held + 1);
	if (label)
		JS_SetPropertyStr(context, answer, "code", JS_NewStringLen(context, held + 2, label - 1));
	JS_SetPropertyStr(context, answer, label ? "message" : "response", JS_NewStringLen(context, held + 1 + label, n - 1 - label));
	return answer;
}

static JSValue random_bytes(int n) {
	byte *p = n < 0 ? 0 : wasm_malloc(n + 1);
	if (!p || wasi_random_get(p, n))
		return JS_ThrowOutOfMemory(context);
	return JS_NewUint8ArrayCopy(context, p, n);
}

static const char *const names[] = {"compile", "encode", "decode", "http", "log", "random"};

// host_call is how the engine calls a function made by qjs_new_host_function. NULL means that it has thrown.
JSValue *EXPORT(host_call)(const char *name, int length, JSValue *self, int argc, JSValue **argv) {
	(void)length, (void)self, (void)argc; // the prelude gives as many arguments as it should
	JSValue *result = wasm_malloc(sizeof *result);
	if (!result) {
		JS_ThrowOutOfMemory(context);
		return 0;
	}
	*result = special(TAG_UNDEFINED);
	int number = 0, module = 0;
	size n;
	const char *p;
	const byte *bytes;
	switch (*name) {
	case 'c':
		JS_ToInt32(context, &number, *argv[2]);
		JS_ToInt32(context, &module, *argv[3]);
		*result = compile(*argv[0], *argv[1], number, module);
		break;
	case 'e':
		p = text(*argv[0], &n);
		*result = p ? JS_NewUint8ArrayCopy(context, (const byte *)p, n) : special(TAG_EXCEPTION);
		break;
	case 'd':
		bytes = JS_GetUint8Array(context, &n, *argv[0]);
		*result = bytes ? JS_NewStringLen(context, (const char *)bytes, n) : special(TAG_EXCEPTION);
		break;
	case 'h':
		*result = http(*argv[0]);
		break;
	case 'l':
		JS_ToInt32(context, &number, *argv[0]);
		if ((p = text(*argv[1], &n)))
			host_log(number, p, n);
		break;
	default:
		JS_ToInt32(context, &number, *argv[0]);
		*result = random_bytes(number);
	}
	return is_exception(*result) ? 0 : result;
}

// The engine's other questions. No code is ever loaded from elsewhere, and time is UTC.
int EXPORT(host_interrupt)(void) { return 0; }
int EXPORT(host_get_timezone_offset)(int high, unsigned low) { (void)high, (void)low; return 0; }
void EXPORT(host_promise_rejection)(void *promise, void *reason, int handled) { (void)promise, (void)reason, (void)handled; }
char *EXPORT(host_module_normalize)(const char *base, const char *name) { (void)base, (void)name; return 0; }
char *EXPORT(host_module_load)(const char *name, size *n) { (void)name, (void)n; return 0; }

// collectAt is how much memory is in use before the engine looks for circles of garbage, in bytes. Calls are short, and what
// they leave is gone with them.
enum { collectAt = 16 << 20 };

// stackMost is how much of the engine's stack of 1 MiB code may use, in bytes: what the engine calls without looking at it
// has the rest.
enum { stackMost = 768 << 10 };

static size length_of(const char *name) {
	size n = 0;
	while (name[n])
		n++;
	return n;
}

static JSAtom key_of(const char *name) { return JS_NewAtomLen(context, name, length_of(name)); }

// begun runs a script of the prelude: a function that is called with what it is given of the outside.
static JSValue begun(const char *script, size n, JSValue host) {
	struct options o = {1, EVAL_SCRIPT | EVAL_STRICT, "prelude", 1};
	JSValue function = JS_Eval2(context, script, n - 1, &o);
	JSValue result = JS_Call(context, function, special(TAG_UNDEFINED), 1, &host);
	if (is_exception(result))
		__builtin_trap();
	return result;
}

void __attribute__((export_name("_initialize"))) initialize(void) {
	engine_initialize();
	if (qjs_init())
		__builtin_trap();
	runtime = qjs_get_runtime_ptr(), context = qjs_get_context_ptr();
	JS_SetGCThreshold(runtime, collectAt);
	JS_SetMaxStackSize(runtime, stackMost);
	JSValue host = JS_NewObject(context);
	for (size i = 0; i < sizeof names / sizeof *names; i++)
		JS_SetPropertyStr(context, host, names[i], *qjs_new_host_function(names[i], length_of(names[i]), 0));
	begun(script_text, sizeof script_text, host);
	begun(script_url, sizeof script_url, host);
	begun(script_fetch, sizeof script_fetch, host);
	JSValue made = begun(script_code, sizeof script_code, host);
	js_prepare = property(made, "prepare");
	js_explain = property(made, "explain");
	output.context = context, output.with_to_json = property(made, "withToJSON"), output.to_json = key_of("toJSON");
	output.object_class = JS_GetClassID(JS_NewObject(context)), output.array_class = JS_GetClassID(JS_NewArrayFrom(context, 0, 0));
	for (size i = 0; i < ROOTS; i++)
		root_keys[i] = key_of(roots[i]);
}
