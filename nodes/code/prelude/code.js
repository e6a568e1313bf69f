// The code of a workflow: how it is compiled, what it needs of the workflow, and how it is called.
(function (host) {
	const roots = ["input", "trigger", "steps", "global", "item", "index", "execution", "workflow"];
	let shift = 0; // how many columns of the first line are not the code's

	// What stands before the code that is the body of a function. It ends within the first line, so that lines count from the
	// code's own first one. The second brace lets the code declare a name of its own that is that of a parameter.
	const head = `(function (${roots}) {{ `, asyncHead = `(async ${head.slice(1)}`;

	// prepare compiles the source. A call calls the function called: with the values of the roots, or, if it is exported, as
	// (input, ctx). The answer says which values of the workflow it reads.
	function prepare({ source }) {
		let called, exported;
		const before = /\bawait\b/.test(source) ? asyncHead : head;
		try {
			called = host.compile(`${before}${source}\n}})`, "code", 1, 0);
			shift = before.length;
		} catch (e) {
			// Nothing with an export can be the body of a function.
			if (!(e instanceof SyntaxError) || !/\bexport\b/.test(source)) throw placed(e, source, before.length);
			called = compileModule(source);
			exported = true;
		}
		return { called, exported, readsInput: exported || readsInput(source), answer: { reads: reads(source) } };
	}

	function compileModule(source) {
		let module;
		try {
			module = host.compile(source, "code", 1, 1);
		} catch (e) {
			throw placed(e, source, 0);
		}
		if (typeof module.default !== "function") {
			throw new TypeError("the code has no `export default` of a function: export default (input, ctx) => ...");
		}
		return module.default;
	}

	// placed says in an error of the compiler where the error is. What is found behind the code is not the author's.
	function placed(e, source, shift) {
		const at = /code:(\d+):(\d+)/.exec(e?.stack ?? "");
		if (!(e instanceof SyntaxError) || !at) return e;
		const lines = source.split("\n"), end = [lines.length, lines.at(-1).length + 1];
		let [line, column] = [+at[1], Math.max(at[2] - (at[1] === "1" ? shift : 0), 1)];
		if (line > end[0] || (line === end[0] && column >= end[1])) {
			[line, column] = end;
			e = new SyntaxError("unexpected end of the code");
		}
		e.place = ` (line ${line}, column ${column})`;
		return e;
	}

	// readsInput tells whether the body of a function can get its first parameter. Names may be written with escapes.
	const readsInput = (source) => /input|arguments|eval|\\u/.test(source);

	// reads lists what the source names of the workflow. It reads too much rather than too little: words in comments and texts
	// count, and where a root stands without a fixed key behind it, all of it is read.
	function reads(source) {
		// The second parameter's names are not yet uses of them.
		const text = source.replace(/export\s+default\s+(?:async\s+)?(?:function\s*[\w$]*\s*)?\(\s*[\w$]+\s*,\s*\{[\w$\s,]*\}\s*\)/, "");
		const out = [];
		each(text, "trigger", (key) => out.push(key === undefined ? "trigger" : path("trigger", key)));
		each(text, "steps", (key) => out.push(key === undefined ? "steps" : path("steps", key) + ".output"));
		each(text, "global", (key) => key !== undefined && out.push(path("global", key)));
		for (const [, keys] of text.matchAll(/\{([^{}]*)\}\s*=\s*(?:ctx\s*\.\s*)?global(?![\w$])/g)) {
			for (const [, key] of keys.matchAll(/(?:^|,)\s*([A-Za-z_$][\w$]*)/g)) out.push(path("global", key));
		}
		for (const root of ["item", "index"]) each(text, root, () => out.push(root));
		for (const root of ["execution", "workflow"]) each(text, root, () => out.push(root));
		return [...new Set(out)];
	}

	// each calls f with the key behind each use of a root, undefined where that is not fixed text.
	function each(text, root, f) {
		const use = new RegExp(
			`(?<![\\w$])${root}(?![\\w$])\\s*(?:(?:\\?\\.|\\.(?!\\.))\\s*([A-Za-z_$][\\w$]*)|(?:\\?\\.)?\\s*\\[\\s*(?:"([^"\\\\\\n]*)"|'([^'\\\\\\n]*)')\\s*\\])?`,
			"g",
		);
		for (const [, name, double, single] of text.matchAll(use)) f(name ?? double ?? single);
	}

	function path(root, key) {
		return /^[A-Za-z_$][\w$]*$/.test(key) ? `${root}.${key}` : `${root}[${JSON.stringify(key)}]`;
	}

	// withToJSON makes an object whose JSON is what another's method toJSON returns.
	const { apply } = Reflect;
	const withToJSON = (toJSON, value) => ({ toJSON: (key) => apply(toJSON, value, [key]) });

	// explain makes a failed node's answer of what was thrown: a label (its length, then it) and a message. The stack goes to
	// the log.
	function explain(thrown) {
		try {
			return thrown instanceof Error ? explainError(thrown) : said(label, logged("thrown: " + host.told(thrown)));
		} catch {
			return said(label, "the code threw something that cannot be told");
		}
	}

	function explainError(thrown) {
		const message = `${thrown.name}: ${thrown.message}`;
		if (thrown.place) return said(label, message + thrown.place);
		const stack = String(thrown.stack ?? "").split("\n").filter((line) => line && !line.includes("(prelude:"))
			.map((line) => line.replace(/code:1:(\d+)/, (_, column) => `code:1:${Math.max(column - shift, 1)}`)).join("\n");
		logged(`${message}\n${stack}`);
		const own = typeof thrown.code === "string" && /^[a-z0-9_]{1,64}$/.test(thrown.code);
		const memory = thrown instanceof InternalError && thrown.message === "out of memory";
		const line = /code:(\d+)/.exec(stack)?.[1];
		return said(own ? thrown.code : memory ? "memory" : label, message.split("\n", 1)[0] + (line ? ` (line ${line})` : ""));
	}

	const label = "code_error";
	const logged = (text) => (host.say(3, text), text);
	const said = (label, message) => String.fromCharCode(label.length) + label + message;

	return { prepare, withToJSON, explain };
});
