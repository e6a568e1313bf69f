// fetch, for a node that may use http. The request is done when fetch returns: there is nothing else that could go on
// meanwhile.
(function (host) {
	const nameOf = (name) => {
		const s = String(name).toLowerCase();
		if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(s)) throw new TypeError("not the name of a header");
		return s;
	};

	class Headers {
		#values = new Map();
		constructor(init) {
			const list = init === undefined || init === null ? [] : typeof init[Symbol.iterator] === "function" ? init : Object.entries(init);
			for (const [name, value] of list) this.append(name, value);
		}
		append(name, value) {
			const key = nameOf(name), before = this.#values.get(key);
			this.#values.set(key, before === undefined ? String(value).trim() : `${before}, ${String(value).trim()}`);
		}
		set(name, value) { this.#values.set(nameOf(name), String(value).trim()); }
		get(name) { return this.#values.get(nameOf(name)) ?? null; }
		has(name) { return this.#values.has(nameOf(name)); }
		delete(name) { this.#values.delete(nameOf(name)); }
		forEach(f, self) { for (const [name, value] of this) f.call(self, value, name, this); }
		*entries() { yield* [...this.#values].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)); }
		*keys() { for (const [name] of this) yield name; }
		*values() { for (const [, value] of this) yield value; }
		[Symbol.iterator]() { return this.entries(); }
	}

	// binary makes bytes of base64.
	const binary = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

	class Response {
		#answer;
		#used = false;
		constructor(answer, url) {
			this.#answer = answer;
			this.status = answer.status;
			this.ok = answer.status >= 200 && answer.status <= 299;
			this.headers = new Headers(answer.headers);
			this.url = url;
		}
		get bodyUsed() { return this.#used; }
		#body() {
			if (this.#used) throw new TypeError("the body has been read already");
			this.#used = true;
			const { body, encoding } = this.#answer;
			return encoding === "base64" ? binary(body) : body ?? "";
		}
		async text() {
			const body = this.#body();
			if (body instanceof Uint8Array) return new TextDecoder().decode(body);
			return typeof body === "string" ? body : JSON.stringify(body);
		}
		// A body that the host has read as JSON is a value already, whatever it is.
		async json() {
			const body = this.#body();
			if (body instanceof Uint8Array) return JSON.parse(new TextDecoder().decode(body));
			return typeof body === "string" && !/\bjson\b/i.test(this.headers.get("content-type") ?? "") ? JSON.parse(body) : body;
		}
		async arrayBuffer() {
			const body = this.#body();
			return (body instanceof Uint8Array ? body : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body))).buffer;
		}
	}

	async function fetch(resource, { method = "GET", headers, body, redirect = "follow" } = {}) {
		const request = { method: String(method).toUpperCase(), url: String(resource), headers: Object.fromEntries(new Headers(headers)) };
		if (body !== undefined && body !== null) {
			if (typeof body === "object" && !(body instanceof URLSearchParams)) throw new TypeError("fetch sends texts: use JSON.stringify");
			if (body instanceof URLSearchParams) request.headers["content-type"] ??= "application/x-www-form-urlencoded;charset=UTF-8";
			request.body = String(body);
		}
		if (redirect !== "follow") request.followRedirects = false;
		const { response, code, message } = host.http(JSON.stringify(request));
		if (code !== undefined) throw Object.assign(new TypeError(message), { code });
		return new Response(JSON.parse(response), request.url);
	}

	host.define(globalThis, { Headers, Response, fetch });
});
