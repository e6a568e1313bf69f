// URL and URLSearchParams, after https://url.spec.whatwg.org. Names of hosts are brought to NFKC and lower case and to
// Punycode; the tables of UTS 46 beyond that are left out.
(function (host) {
	const ports = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };
	const special = (scheme) => Object.hasOwn(ports, scheme);

	// encoded escapes the bytes of the characters that a set has, and of all that is not printable ASCII.
	const encoded = (text, set) => {
		let out = "";
		for (const c of text.toWellFormed()) {
			if (c > " " && c < "\x7f" && !set.includes(c) || c === " " && !set.includes(" ")) out += c;
			else for (const b of host.encode(c)) out += "%" + b.toString(16).toUpperCase().padStart(2, "0");
		}
		return out;
	};
	const fragmentSet = ' "<>`', querySet = ' "#<>', specialQuerySet = querySet + "'", pathSet = querySet + "?^`{}";
	const userSet = pathSet + "/:;=@[\\]|", controlSet = "";

	const decodedBytes = (text) => {
		const from = host.encode(text.toWellFormed()), out = [];
		for (let i = 0; i < from.length; i++) {
			const hex = from[i] === 0x25 && String.fromCharCode(from[i + 1], from[i + 2]);
			if (hex && /^[0-9a-f]{2}$/i.test(hex)) {
				out.push(parseInt(hex, 16));
				i += 2;
			} else {
				out.push(from[i]);
			}
		}
		return new Uint8Array(out);
	};
	const decodedText = (text) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(decodedBytes(text));

	const failed = () => {
		throw new TypeError("Invalid URL");
	};

	// punycode is https://www.rfc-editor.org/rfc/rfc3492#section-6.3.
	function punycode(label) {
		const points = Array.from(label, (c) => c.codePointAt(0));
		let out = points.filter((p) => p < 128).map((p) => String.fromCharCode(p)).join("");
		const basic = out.length;
		let n = 128, delta = 0, bias = 72, done = basic;
		if (basic > 0) out += "-";
		const digit = (d) => String.fromCharCode(d + (d < 26 ? 97 : 22));
		while (done < points.length) {
			const next = Math.min(...points.filter((p) => p >= n));
			delta += (next - n) * (done + 1);
			n = next;
			for (const p of points) {
				if (p < n) delta++;
				if (p !== n) continue;
				let q = delta;
				for (let k = 36; ; k += 36) {
					const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias;
					if (q < t) break;
					out += digit(t + ((q - t) % (36 - t)));
					q = Math.floor((q - t) / (36 - t));
				}
				out += digit(q);
				delta = done === basic ? Math.floor(delta / 700) : delta >> 1;
				delta += Math.floor(delta / (done + 1));
				for (bias = 0; delta > 455; bias += 36) delta = Math.floor(delta / 35);
				bias += Math.floor((36 * delta) / (delta + 38));
				delta = 0;
				done++;
			}
			delta++;
			n++;
		}
		return "xn--" + out;
	}

	function parseHost(text, isSpecial) {
		if (text[0] === "[") return text.at(-1) === "]" ? `[${ipv6(text.slice(1, -1))}]` : failed();
		if (!isSpecial) return /[\0\t\n\r #/:<>?@[\\\]^|]/.test(text) ? failed() : encoded(text, controlSet);
		const name = decodedText(text).normalize("NFKC").toLowerCase().replace(/[\u3002\uff0e\uff61]/g, ".").replace(/\u00ad/g, "");
		const ascii = name.split(".").map((l) => (/^[\0-\x7f]*$/.test(l) ? l : punycode(l))).join(".");
		if (ascii === "" || name.includes("\ufffd") || /[\0-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(ascii)) failed();
		return ipv4(ascii) ?? ascii;
	}

	// ipv4 is undefined for what is a name.
	function ipv4(text) {
		const parts = text.split(".");
		if (parts.at(-1) === "" && parts.length > 1) parts.pop();
		if (!/^(?:\d+|0x[0-9a-f]*)$/i.test(parts.at(-1))) return undefined;
		if (parts.length > 4) failed();
		const numbers = parts.map((p) => {
			if (/^0x[0-9a-f]*$/i.test(p)) return p.length === 2 ? 0 : parseInt(p, 16);
			if (/^0[0-7]+$/.test(p)) return parseInt(p, 8);
			return /^(?:0|[1-9]\d*)$/.test(p) ? Number(p) : failed();
		});
		const last = numbers.pop();
		if (numbers.some((n) => n > 255) || last >= 256 ** (4 - numbers.length)) failed();
		let address = last;
		numbers.forEach((n, i) => (address += n * 256 ** (3 - i)));
		return [24, 16, 8, 0].map((s) => Math.floor(address / 2 ** s) % 256).join(".");
	}

	function ipv6(text) {
		const dotted = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
		if (dotted) {
			const b = dotted.slice(2).map(Number);
			if (dotted.slice(2).some((p) => Number(p) > 255 || /^0./.test(p))) failed();
			text = dotted[1] + (b[0] * 256 + b[1]).toString(16) + ":" + (b[2] * 256 + b[3]).toString(16);
		}
		const halves = text.split("::");
		const pieces = halves.map((h) => (h === "" ? [] : h.split(":")));
		if (halves.length > 2 || pieces.flat().some((p) => !/^[0-9a-f]{1,4}$/i.test(p))) failed();
		const missing = 8 - pieces.flat().length;
		if (halves.length === 2 ? missing < 1 : missing !== 0) failed();
		const n = [...pieces[0], ...Array(missing).fill("0"), ...(pieces[1] ?? [])].map((p) => parseInt(p, 16));
		let at = -1, length = 1;
		for (let i = 0; i < 8; i++) {
			let end = i;
			while (end < 8 && n[end] === 0) end++;
			if (end - i > length) (at = i), (length = end - i);
			i = end;
		}
		const hex = (list) => list.map((p) => p.toString(16)).join(":");
		return at < 0 ? hex(n) : hex(n.slice(0, at)) + "::" + hex(n.slice(at + length));
	}

	const single = (s) => /^(?:\.|%2e)$/i.test(s), double = (s) => /^(?:\.|%2e){2}$/i.test(s);
	const drive = (s) => /^[a-z][:|]$/i.test(s);

	// pathOf appends the segments of a text to those of a base.
	function pathOf(text, scheme, base) {
		const out = [...base];
		const segments = text.split(special(scheme) ? /[/\\]/ : "/");
		segments.forEach((raw, i) => {
			const s = encoded(raw, pathSet), last = i === segments.length - 1;
			if (double(s)) {
				if (!(scheme === "file:" && out.length === 1 && /^[a-z]:$/i.test(out[0]))) out.pop();
				if (last) out.push("");
			} else if (single(s)) {
				if (last) out.push("");
			} else {
				out.push(scheme === "file:" && out.length === 0 && drive(s) ? s[0] + ":" : s);
			}
		});
		return out;
	}

	// parse makes a record of a URL: protocol, username, password, host (null = none), port, path (a list, or a text when
	// it is opaque), query and fragment (null = none).
	function parse(input, base) {
		let text = input.toWellFormed().replace(/^[\0-\x20]+|[\0-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
		const u = { protocol: "", username: "", password: "", host: null, port: "", path: [], query: null, fragment: null };
		const hash = text.indexOf("#");
		if (hash >= 0) {
			u.fragment = encoded(text.slice(hash + 1), fragmentSet);
			text = text.slice(0, hash);
		}
		const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text);
		if (scheme) {
			u.protocol = scheme[1].toLowerCase() + ":";
			text = text.slice(scheme[0].length);
		} else if (!base || (typeof base.path === "string" && (text !== "" || hash < 0))) {
			failed();
		} else {
			u.protocol = base.protocol;
		}
		const slash = special(u.protocol) ? "[/\\\\]" : "/";
		const relative = !scheme || (base && special(u.protocol) && base.protocol === u.protocol && !text.startsWith("//"));
		const mark = text.indexOf("?");
		if (mark >= 0) {
			u.query = encoded(text.slice(mark + 1), special(u.protocol) ? specialQuerySet : querySet);
			text = text.slice(0, mark);
		}
		const authority = new RegExp(
			!special(u.protocol) || u.protocol === "file:" ? `^${slash}{2}` : relative ? `^${slash}{2,}` : `^${slash}*`,
		).exec(text);
		if (authority) {
			text = text.slice(authority[0].length);
			const end = text.search(new RegExp(slash));
			const whole = end < 0 ? text : text.slice(0, end);
			text = end < 0 ? "" : text.slice(end);
			if (u.protocol === "file:") {
				if (drive(whole)) text = "/" + whole + text;
				u.host = drive(whole) || whole === "" ? "" : parseHost(whole, true);
				if (u.host === "localhost") u.host = "";
			} else {
				parseAuthority(u, whole);
			}
			u.path = pathOf(text.replace(new RegExp(`^${slash}`), ""), u.protocol, []);
			if (text === "" && !special(u.protocol)) u.path = [];
			return u;
		}
		if (!relative || !base) {
			if (u.protocol === "file:") u.host = "";
			if (special(u.protocol) || text[0] === "/") {
				u.path = pathOf(text.replace(new RegExp(`^${slash}`), ""), u.protocol, []);
			} else {
				const opaque = encoded(text, controlSet);
				u.path = u.query === null && u.fragment === null ? opaque : opaque.replace(/ $/, "%20");
			}
			return u;
		}
		for (const part of ["username", "password", "host", "port"]) u[part] = base[part];
		if (text === "") {
			u.path = base.path;
			if (mark < 0) u.query = base.query;
		} else if (new RegExp(`^${slash}`).test(text)) {
			const keep = u.protocol === "file:" && typeof base.path[0] === "string" && /^[a-z]:$/i.test(base.path[0]) && !drive(text.slice(1, 3));
			u.path = pathOf(text.slice(1), u.protocol, keep ? [base.path[0]] : []);
		} else {
			const anew = u.protocol === "file:" && /^[a-z][:|](?:[/\\]|$)/i.test(text);
			u.path = pathOf(text, u.protocol, anew ? [] : base.path.slice(0, -1));
		}
		return u;
	}

	function parseAuthority(u, whole) {
		const at = whole.lastIndexOf("@");
		if (at >= 0) {
			const [, name, password] = /^([^:]*)(?::(.*))?$/s.exec(whole.slice(0, at));
			u.username = encoded(name, userSet);
			u.password = encoded(password ?? "", userSet);
		}
		const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(whole.slice(at + 1)) ?? failed();
		if (name === "" && (special(u.protocol) || at >= 0 || port !== undefined)) failed();
		u.host = name === "" ? "" : parseHost(name, special(u.protocol));
		u.port = portOf(port ?? "", u.protocol);
	}

	function portOf(text, scheme) {
		if (!/^\d*$/.test(text) || Number(text) > 65535) failed();
		const port = text === "" ? "" : String(Number(text));
		return port === ports[scheme] ? "" : port;
	}

	class URLSearchParams {
		#list = [];
		#changed;
		constructor(init = "") {
			if (typeof init === "object" && init !== null) {
				const pairs = typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
				for (const pair of pairs) {
					const [name, value] = [...pair];
					if ([...pair].length !== 2) throw new TypeError("a query is made of pairs");
					this.#list.push([String(name).toWellFormed(), String(value).toWellFormed()]);
				}
			} else {
				this.#parse(String(init).replace(/^\?/, ""));
			}
		}
		#parse(text) {
			this.#list = text.split("&").filter((s) => s !== "").map((s) => {
				const [, name, value] = /^([^=]*)=?(.*)$/s.exec(s);
				return [name, value].map((part) => decodedText(part.replaceAll("+", " ")));
			});
		}
		static of(text, changed) {
			const p = new URLSearchParams();
			p.#parse(text);
			p.#changed = changed;
			return p;
		}
		static renew(p, text) { p.#parse(text); }
		#done() { this.#changed?.(this.toString()); }
		get size() { return this.#list.length; }
		append(name, value) {
			this.#list.push([String(name).toWellFormed(), String(value).toWellFormed()]);
			this.#done();
		}
		delete(name, value) {
			this.#list = this.#list.filter(([n, v]) => n !== String(name) || (value !== undefined && v !== String(value)));
			this.#done();
		}
		get(name) { return this.#list.find(([n]) => n === String(name))?.[1] ?? null; }
		getAll(name) { return this.#list.filter(([n]) => n === String(name)).map(([, v]) => v); }
		has(name, value) { return this.#list.some(([n, v]) => n === String(name) && (value === undefined || v === String(value))); }
		set(name, value) {
			const first = this.#list.findIndex(([n]) => n === String(name));
			if (first < 0) return this.append(name, value);
			this.#list = this.#list.filter(([n], i) => n !== String(name) || i === first);
			this.#list[first] = [String(name), String(value).toWellFormed()];
			this.#done();
		}
		sort() {
			this.#list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
			this.#done();
		}
		forEach(f, self) { for (const [name, value] of this.#list) f.call(self, value, name, this); }
		*entries() { for (const pair of this.#list) yield [...pair]; }
		*keys() { for (const [name] of this.#list) yield name; }
		*values() { for (const [, value] of this.#list) yield value; }
		[Symbol.iterator]() { return this.entries(); }
		toString() {
			const form = (s) => encoded(s, "!\"#$%&'()+,/:;<=>?@[\\]^`{|}~").replaceAll(" ", "+");
			return this.#list.map(([name, value]) => `${form(name)}=${form(value)}`).join("&");
		}
	}
	const { of, renew } = URLSearchParams;
	delete URLSearchParams.of;
	delete URLSearchParams.renew;

	class URL {
		#u;
		#params;
		constructor(url, base) {
			this.#u = parse(String(url), base === undefined ? undefined : parse(String(base)));
			this.#params = of(this.#u.query ?? "", (text) => (this.#u.query = text === "" ? null : text));
		}
		static canParse(url, base) { return URL.parse(url, base) !== null; }
		static parse(url, base) {
			try {
				return new URL(url, base);
			} catch {
				return null;
			}
		}
		#set(part, f) {
			try {
				this.#u[part] = f();
			} catch {
				// What is no value of this part is ignored.
			}
		}
		get #bare() { return this.#u.host === null || this.#u.host === "" || this.#u.protocol === "file:"; }
		get href() {
			const { protocol, username, password, fragment } = this.#u;
			let s = protocol;
			if (this.#u.host !== null) s += `//${username}${password && ":" + password}${username || password ? "@" : ""}${this.host}`;
			else if (typeof this.#u.path !== "string" && this.#u.path.length > 1 && this.#u.path[0] === "") s += "/.";
			return s + this.pathname + (this.#u.query === null ? "" : "?" + this.#u.query) + (fragment === null ? "" : "#" + fragment);
		}
		set href(v) {
			this.#u = parse(String(v));
			renew(this.#params, this.#u.query ?? "");
		}
		get origin() {
			const { protocol, path } = this.#u;
			if (protocol === "blob:") {
				const inner = URL.parse(path);
				return inner && /^https?:$/.test(inner.protocol) ? inner.origin : "null";
			}
			return special(protocol) && protocol !== "file:" ? `${protocol}//${this.host}` : "null";
		}
		get protocol() { return this.#u.protocol; }
		set protocol(v) {
			const name = /^([a-z][a-z0-9+.-]*)(?::|$)/i.exec(String(v))?.[1];
			const scheme = name?.toLowerCase() + ":";
			if (name === undefined || special(scheme) !== special(this.#u.protocol) || (scheme === "file:") !== (this.#u.protocol === "file:")) return;
			this.#u.protocol = scheme;
			if (this.#u.port === ports[scheme]) this.#u.port = "";
		}
		get username() { return this.#u.username; }
		set username(v) { if (!this.#bare) this.#u.username = encoded(String(v), userSet); }
		get password() { return this.#u.password; }
		set password(v) { if (!this.#bare) this.#u.password = encoded(String(v), userSet); }
		get host() { return (this.#u.host ?? "") + (this.#u.port === "" ? "" : ":" + this.#u.port); }
		set host(v) {
			const m = /^(\[[^\]]*\]|[^:/?#\\]*)(?::(\d*))?/.exec(String(v));
			this.hostname = m[1]; // which has no port
			if (m[2]) this.port = m[2];
		}
		get hostname() { return this.#u.host ?? ""; }
		set hostname(v) {
			const name = /^(?:\[[^\]]*\]|[^/?#\\:]*)(?!:)/.exec(String(v))?.[0] ?? "";
			if (typeof this.#u.path !== "string" && name !== "") this.#set("host", () => parseHost(name, special(this.#u.protocol)));
		}
		get port() { return this.#u.port; }
		set port(v) {
			const digits = /^\d*/.exec(String(v))[0];
			if (!this.#bare && (digits !== "" || String(v) === "")) this.#set("port", () => portOf(digits, this.#u.protocol));
		}
		get pathname() {
			const { path } = this.#u;
			return typeof path === "string" ? path : path.map((s) => "/" + s).join("");
		}
		set pathname(v) {
			if (typeof this.#u.path === "string") return;
			const slash = special(this.#u.protocol) ? /^[/\\]/ : /^\//;
			const text = encoded(String(v).replace(/[\t\n\r]/g, ""), "?#");
			this.#u.path = pathOf(text.replace(slash, ""), this.#u.protocol, []);
		}
		get search() { return this.#u.query ? "?" + this.#u.query : ""; }
		set search(v) {
			const text = String(v).replace(/^\?/, "").replace(/[\t\n\r]/g, "");
			this.#u.query = text === "" ? null : encoded(text, special(this.#u.protocol) ? specialQuerySet : querySet);
			renew(this.#params, text);
		}
		get searchParams() { return this.#params; }
		get hash() { return this.#u.fragment ? "#" + this.#u.fragment : ""; }
		set hash(v) {
			const text = String(v).replace(/^#/, "").replace(/[\t\n\r]/g, "");
			this.#u.fragment = text === "" ? null : encoded(text, fragmentSet);
		}
		toString() { return this.href; }
		toJSON() { return this.href; }
	}

	host.define(globalThis, { URL, URLSearchParams });
});
