// Finds elements as people do: by what a screen reader calls them, among what is visible. The value is a function of a
// query {role, name, css, text, in, nth}; see query.go.
(() => {
  const roles = [
    ["link", "a[href]"], ["button", "button,summary,input[type=submit],input[type=button],input[type=file]"],
    ["checkbox", "input[type=checkbox]:not([role])"], ["radio", "input[type=radio]"], ["slider", "input[type=range]"],
    ["combobox", "select:not([multiple]),input[list]"], ["listbox", "select[multiple]"], ["option", "option"],
    ["textbox", "textarea,[contenteditable=true],input:not([type]),input[type=text],input[type=search],input[type=url],input[type=email],input[type=number],input[type=password],input[type=datetime-local],input[type=date],input[type=time]"],
    ["heading", "h1,h2,h3,h4,h5,h6"], ["dialog", "dialog[open]"], ["navigation", "nav"], ["main", "main"], ["table", "table"],
    ["row", "tr"], ["cell", "td"], ["columnheader", "thead th"], ["list", "ul,ol"], ["listitem", "li"], ["group", "fieldset,details"],
    ["region", "section[aria-label],section[aria-labelledby]"], ["article", "article"], ["form", "form"], ["image", "img,svg[role=img]"],
  ];
  const fields = ["textbox", "searchbox", "combobox", "spinbutton", "listbox", "checkbox", "switch", "slider", "radio"];
  const roleOf = (e) => e.getAttribute("role") || (roles.find(([, css]) => e.matches(css)) || [""])[0];
  const squeeze = (s) => s.replace(/\s+/g, " ").trim();
  const textOf = (n) => {
    if (n.nodeType === 3) return n.data;
    if (n.nodeType !== 1 || n.getAttribute("aria-hidden") === "true" || n.tagName === "STYLE") return "";
    if (n.tagName === "IMG") return n.alt;
    const label = n.getAttribute("aria-label");
    if (label) return ` ${label} `;
    const inside = [...(n.shadowRoot || n).childNodes].map(textOf).join("");
    return getComputedStyle(n).display.startsWith("inline") ? inside : ` ${inside} `;
  };
  const nameOf = (e) => {
    const by = e.getAttribute("aria-labelledby");
    if (by) return squeeze(by.split(/\s+/).map((id) => e.getRootNode().getElementById(id)).filter(Boolean).map(textOf).join(" "));
    const label = e.getAttribute("aria-label");
    if (label) return squeeze(label);
    if (e.labels && e.labels.length && !/^(button|submit)$/.test(e.type)) return squeeze([...e.labels].map(textOf).join(" "));
    if (e.tagName === "FIELDSET") { const l = e.querySelector("legend"); if (l) return squeeze(textOf(l)); }
    if (e.tagName === "TABLE") return e.caption ? squeeze(textOf(e.caption)) : "";
    if (e.matches("input,select,textarea")) return squeeze(e.placeholder || e.title || "");
    return squeeze(textOf(e)) || squeeze(e.getAttribute("title") || "");
  };
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && e.getClientRects().length > 0;
  const all = (root, out = []) => {
    for (const e of root.querySelectorAll("*")) {
      out.push(e);
      if (e.shadowRoot) all(e.shadowRoot, out);
    }
    return out;
  };
  const find = (q) => {
    const modal = [...document.querySelectorAll("dialog:modal")].pop();
    const scopes = q.in ? find(q.in) : [modal || document];
    let found = scopes.flatMap((s) => all(s, !q.in && modal ? [modal] : [])).filter((e, i, list) => list.indexOf(e) === i || scopes.length === 1);
    if (q.css) found = found.filter((e) => e.matches(q.css));
    if (q.role) found = found.filter((e) => { const r = roleOf(e); return r === q.role || q.role === "field" && fields.includes(r); });
    // The inputs of switches and files are hidden behind their labels.
    found = found.filter((e) => seen(e) || e.labels && [...e.labels].some(seen));
    if (q.name !== undefined && q.name !== "") {
      const exact = found.filter((e) => nameOf(e) === q.name);
      found = exact.length ? exact : found.filter((e) => nameOf(e).includes(q.name));
    }
    if (q.text) {
      found = found.filter((e) => squeeze(textOf(e)).includes(q.text) || e.value !== undefined && String(e.value).includes(q.text));
      if (!q.css && !q.role) found = found.filter((e) => !found.some((other) => other !== e && e.contains(other)));
    }
    return q.nth === undefined ? found : found.slice(q.nth < 0 ? found.length + q.nth : q.nth).slice(0, 1);
  };
  return find;
})()
