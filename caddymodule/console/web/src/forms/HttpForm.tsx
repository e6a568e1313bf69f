// The form of an HTTP request.
import { useState } from "preact/hooks";
import { get, type Json, members, obj, set as setIn, str, text } from "../json/lossless";
import { wholeTemplate } from "../templates/parse";
import type { Path } from "../templates/path";
import { Select } from "../ui/controls";
import { line } from "../ui/text";
import { AnyControl, Cell } from "./AnyField";
import { useField, useForm } from "./context";
import { PlainText, TextControl } from "./inputs";
import { JsonControl } from "./JsonField";
import { PairList } from "./PairList";
import { FieldButton, FieldError, fieldPath, Frame, Group, Section } from "./parts";
import { SwitchField } from "./SwitchField";
import { UnknownKeys } from "./UnknownKeys";

const at = (...path: Path): Path => ["config", ...path];
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const scalars = ["string", "number", "boolean", "null"] as const;
const known = ["method", "url", "headers", "query", "body", "timeout", "followRedirects", "failOnStatus"];

export function HttpForm() {
  const { value: follow } = useField(at("followRedirects"));
  const { value: fail } = useField(at("failOnStatus"));
  const { value: timeout } = useField(at("timeout"));
  const set = [timeout && text(timeout), follow && "redirects", fail && "errors"].filter(Boolean).join(", ");
  return (
    <>
      <Target />
      <Rows
        name="query"
        label="Query parameters"
        what="parameter"
        placeholder="page"
        kinds={[...scalars, "array"]}
      />
      <Rows
        name="headers"
        label="Headers"
        what="header"
        placeholder="Accept"
        kinds={scalars}
        hint="Secrets go here as {{global.__secret_…}}: nobody sees their values."
      />
      <Body />
      <Section
        title="Response and time"
        summary={set || "defaults"}
        paths={[at("timeout"), at("followRedirects"), at("failOnStatus")]}>
        <Frame path={at("timeout")} label="Time limit" hint="At most the time limit of the node.">
          {(ids) => <PlainText path={at("timeout")} ids={ids} optional placeholder="10s" />}
        </Frame>
        <SwitchField path={at("failOnStatus")} label="A status of 400 or more is a failure" byDefault />
        <SwitchField path={at("followRedirects")} label="Follow redirects" byDefault hint="At most five." />
      </Section>
      <UnknownKeys path={["config"]} known={known} />
    </>
  );
}

/** Method and URL, in one row. */
function Target() {
  const { value, set, readOnly, error } = useField(at("method"));
  const method = text(value) ?? "GET";
  const list = methods.includes(method) ? methods : [...methods, method];
  return (
    <Frame path={at("url")} label="Request" required>
      {(ids) => (
        <>
          <div class="target">
            <span data-path={fieldPath(at("method"))}>
              <Select
                aria-label="Method"
                aria-invalid={error ? true : undefined}
                disabled={readOnly}
                value={method}
                options={list.map((m) => [m, line(m, 40)] as const)}
                onValue={(m) => set(m === "GET" ? undefined : str(m))}
              />
            </span>
            <TextControl path={at("url")} ids={ids} placeholder="https://api.example.com/orders" />
          </div>
          {error && <FieldError>{error}</FieldError>}
        </>
      )}
    </Frame>
  );
}

function Rows({
  name,
  label,
  what,
  placeholder,
  kinds,
  hint,
}: {
  name: string;
  label: string;
  what: string;
  placeholder: string;
  kinds: readonly Json["kind"][];
  hint?: string;
}) {
  const { value } = useField(at(name));
  if (value && value.kind !== "object")
    return (
      <Group path={at(name)} label={label}>
        <JsonControl path={at(name)} label={`${label}, JSON`} optional minLines={1} />
      </Group>
    );
  return (
    <Group path={at(name)} label={label} hint={members(value).size > 0 ? hint : undefined}>
      <PairList
        path={at(name)}
        what={what}
        namePlaceholder={placeholder}
        optional
        fresh={() => str("")}
        tall={(v) => v.kind === "array"}>
        {(path, key) => <Cell path={path} label={`Value of ${key}`} kinds={kinds} nesting={3} />}
      </PairList>
    </Group>
  );
}

type Way = "none" | "json" | "form" | "text";
const ways: readonly (readonly [Way, string])[] = [
  ["none", "None"],
  ["json", "JSON"],
  ["form", "Form"],
  ["text", "Text"],
];
const formType = "application/x-www-form-urlencoded";

/** What is sent. A form is an object with the content type of one, which is set with it. */
function Body() {
  const form = useForm();
  const { value, readOnly } = useField(at("body"));
  const { value: headers } = useField(at("headers"));
  const [asJson, setAsJson] = useState(false);
  const [asText, setAsText] = useState(false);
  const typeKey = [...members(headers).keys()].find((k) => k.toLowerCase() === "content-type");
  const isForm = (text(typeKey === undefined ? undefined : get(headers, typeKey)) ?? "")
    .toLowerCase()
    .startsWith(formType);
  const written = text(value);
  const way: Way =
    value === undefined
      ? "none"
      : written !== undefined && (asText || wholeTemplate(written) === undefined)
        ? "text"
        : isForm
          ? "form"
          : "json";
  const pick = (to: Way) => {
    setAsText(to === "text");
    setAsJson(false);
    const body =
      to === "none"
        ? undefined
        : to === "text"
          ? str(written ?? "")
          : value && value.kind !== "string"
            ? value
            : obj([["", str("")]]);
    form.edit((d) => {
      const config: Path = ["nodes", form.index, "config"];
      let next = setIn(d, [...config, "body"], body);
      if ((to === "form") === isForm) return next;
      if (to === "form") next = setIn(next, [...config, "headers", typeKey ?? "Content-Type"], str(formType));
      else if (typeKey !== undefined)
        next = setIn(
          next,
          [...config, "headers"],
          members(headers).size === 1 ? undefined : setIn(headers, [typeKey], undefined),
        );
      return next;
    });
  };
  return (
    <Group
      path={at("body")}
      label="Body"
      aside={
        way === "json" ? (
          <FieldButton icon="code" onClick={() => setAsJson(!asJson)}>
            {asJson ? "Edit as fields" : "Edit as JSON"}
          </FieldButton>
        ) : undefined
      }
      hint={
        way === "form"
          ? "Sent as application/x-www-form-urlencoded. Values are encoded."
          : way === "text"
            ? "Sent as it is. Set the header Content-Type if it is not plain text."
            : undefined
      }>
      <div class="segments" role="radiogroup" aria-label="Kind of body">
        {ways.map(([w, title]) => (
          <label key={w}>
            <input
              type="radio"
              name={`${form.key}-body`}
              checked={w === way}
              disabled={readOnly}
              onChange={() => pick(w)}
            />
            <span>{title}</span>
          </label>
        ))}
      </div>
      {way === "text" && <TextControl path={at("body")} label="Body, text" multiline />}
      {(way === "json" || way === "form") &&
        (asJson && way === "json" ? (
          <JsonControl path={at("body")} label="Body, JSON" />
        ) : (
          <AnyControl path={at("body")} label="Body" />
        ))}
    </Group>
  );
}
