// What every program may expect: console, texts and bytes, random numbers, copies.
(function (host) {
	const define = (object, members) => {
		for (const [name, value] of Object.entries(members)) {
			Object.defineProperty(object, name, { value, writable: true, configurable: true, enumerable: false });
		}
	};

	// told is how console shows a value.
	function told(value) {
		if (typeof value === "string") return value;
		if (value instanceof Error) return value.stack ? `${value}\n${value.stack}` : String(value);
		if (typeof value === "function") return `[function ${value.name || "anonymous"}]`;
		if (typeof value !== "object" || value === null) return typeof value === "bigint" ? `${value}n` : String(value);
		try {
			return JSON.stringify(value, (_, v) =>
				typeof v === "bigint" ? `${v}n` : v instanceof Map ? [...v] : v instanceof Set ? [...v] : v);
		} catch {
			return String(value);
		}
	}
	const line = (values) => values.map(told).join(" ");
	// say writes to the log, whose entries have one line each.
	const say = (level, text) => text.split("\n").forEach((s) => s.trim() && host.log(level, s));
	const at = (level) => (...values) => say(level, line(values));
	const console = {
		debug: at(0), trace: at(0), log: at(1), info: at(1), dir: (value) => say(1, told(value)), warn: at(2), error: at(3),
		assert: (good, ...values) => good || say(3, line(["assertion failed:", ...values])),
	};

	const bytesOf = (source) => {
		if (source instanceof ArrayBuffer) return new Uint8Array(source);
		if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
		throw new TypeError("not an ArrayBuffer, and no view of one");
	};

	class TextEncoder {
		get encoding() { return "utf-8"; }
		encode(text = "") { return host.encode(String(text).toWellFormed()); }
		encodeInto(text, into) {
			let read = 0, written = 0;
			for (const c of String(text)) {
				const bytes = this.encode(c);
				if (written + bytes.length > into.length) break;
				into.set(bytes, written);
				read += c.length;
				written += bytes.length;
			}
			return { read, written };
		}
	}

	// decoded reads UTF-8 as https://encoding.spec.whatwg.org/#utf-8-decoder says: what is none becomes U+FFFD.
	function decoded(bytes, fatal) {
		let out = "", need = 0, point = 0, low = 0x80, high = 0xbf;
		const bad = () => {
			if (fatal) throw new TypeError("the bytes are not UTF-8");
			out += "\ufffd";
			need = 0, low = 0x80, high = 0xbf;
		};
		for (let i = 0; i < bytes.length; i++) {
			const b = bytes[i];
			if (need > 0) {
				if (b < low || b > high) {
					bad();
					i--;
					continue;
				}
				low = 0x80, high = 0xbf;
				point = (point << 6) | (b & 0x3f);
				if (--need === 0) out += String.fromCodePoint(point);
			} else if (b < 0x80) {
				out += String.fromCharCode(b);
			} else if (b >= 0xc2 && b <= 0xdf) {
				need = 1, point = b & 0x1f;
			} else if (b >= 0xe0 && b <= 0xef) {
				low = b === 0xe0 ? 0xa0 : 0x80, high = b === 0xed ? 0x9f : 0xbf;
				need = 2, point = b & 0x0f;
			} else if (b >= 0xf0 && b <= 0xf4) {
				low = b === 0xf0 ? 0x90 : 0x80, high = b === 0xf4 ? 0x8f : 0xbf;
				need = 3, point = b & 0x07;
			} else {
				bad();
			}
		}
		if (need > 0) bad();
		return out;
	}

	class TextDecoder {
		#fatal;
		#ignoreBOM;
		constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
			if (!/^\s*(?:unicode-1-1-)?utf-?8\s*$/i.test(label)) throw new RangeError(`the encoding ${label} is not known here, only utf-8`);
			this.#fatal = Boolean(fatal);
			this.#ignoreBOM = Boolean(ignoreBOM);
		}
		get encoding() { return "utf-8"; }
		get fatal() { return this.#fatal; }
		get ignoreBOM() { return this.#ignoreBOM; }
		decode(source, { stream = false } = {}) {
			if (stream) throw new TypeError("a TextDecoder cannot stream here");
			const bytes = source === undefined ? new Uint8Array() : bytesOf(source);
			const plain = bytes.every((b) => b < 0x80);
			const text = plain ? host.decode(bytes) : decoded(bytes, this.#fatal);
			return text[0] === "\ufeff" && !this.#ignoreBOM ? text.slice(1) : text;
		}
	}

	const crypto = {};
	define(crypto, {
		getRandomValues(array) {
			if (!ArrayBuffer.isView(array) || array instanceof DataView || array instanceof Float32Array || array instanceof Float64Array) {
				throw new TypeError("getRandomValues takes a typed array of integers");
			}
			if (array.byteLength > 65536) throw new RangeError("getRandomValues gives at most 65536 bytes");
			bytesOf(array).set(host.random(array.byteLength));
			return array;
		},
		randomUUID() {
			const b = host.random(16);
			b[6] = (b[6] & 0x0f) | 0x40;
			b[8] = (b[8] & 0x3f) | 0x80;
			const hex = Array.from(b, (v) => v.toString(16).padStart(2, "0")).join("");
			return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
		},
	});

	// The engine's own generator is in the state that calls begin with: it would give the same numbers in each of them.
	define(Math, {
		random() {
			const b = host.random(8);
			return ((b[0] & 0x1f) * 2 ** 48 + b[1] * 2 ** 40 + b[2] * 2 ** 32 + b[3] * 2 ** 24 + b[4] * 65536 + b[5] * 256 + b[6]) / 2 ** 53;
		},
	});

	function structuredClone(value) {
		const seen = new Map();
		const keep = (from, to) => {
			seen.set(from, to);
			return to;
		};
		const clone = (v) => {
			if (typeof v === "function" || typeof v === "symbol") throw new TypeError("a function or symbol cannot be cloned");
			if (typeof v !== "object" || v === null) return v;
			if (seen.has(v)) return seen.get(v);
			if (v instanceof Date) return keep(v, new Date(v));
			if (v instanceof RegExp) return keep(v, new RegExp(v.source, v.flags));
			if (v instanceof ArrayBuffer) return keep(v, v.slice(0));
			if (v instanceof DataView) return keep(v, new DataView(clone(v.buffer), v.byteOffset, v.byteLength));
			if (ArrayBuffer.isView(v)) return keep(v, new v.constructor(clone(v.buffer), v.byteOffset, v.length));
			if (v instanceof Number || v instanceof String || v instanceof Boolean) return keep(v, Object(v.valueOf()));
			if (v instanceof Map) {
				const to = keep(v, new Map());
				for (const [key, member] of v) to.set(clone(key), clone(member));
				return to;
			}
			if (v instanceof Set) {
				const to = keep(v, new Set());
				for (const member of v) to.add(clone(member));
				return to;
			}
			if (v instanceof Error) {
				const to = keep(v, new (globalThis[v.name] ?? Error)(v.message));
				if ("cause" in v) to.cause = clone(v.cause);
				return to;
			}
			if (v instanceof Promise || v instanceof WeakMap || v instanceof WeakSet || v instanceof WeakRef) {
				throw new TypeError("a value of this kind cannot be cloned");
			}
			const to = keep(v, Array.isArray(v) ? new Array(v.length) : {});
			for (const key of Object.keys(v)) to[key] = clone(v[key]);
			return to;
		};
		return clone(value);
	}

	define(globalThis, {
		console, TextEncoder, TextDecoder, crypto, structuredClone,
		queueMicrotask: (f) => void Promise.resolve().then(f),
	});
	host.define = define;
	host.told = told;
	host.say = say;
});
