// What senders get back, and what happens when they send the same again.
import { flow } from "../flow/document";
import { get, obj, str, text } from "../json/lossless";
import type { Path } from "../templates/path";
import { Select } from "../ui/controls";
import { line } from "../ui/text";
import { useField, useForm } from "./context";
import { NumberControl, PlainText } from "./inputs";
import { PairList } from "./PairList";
import { Choices, Frame, Group, Section } from "./parts";

const at = (...path: Path): Path => ["config", "webhook", ...path];

export function Response() {
  const form = useForm();
  const { value: mode, set: setMode } = useField(at("responseMode"));
  const { value: node, set: setNode, readOnly } = useField(at("responseNodeId"));
  const { value: onTimeout, set: setOnTimeout } = useField(at("onTimeout"));
  const { value: timeout } = useField(at("timeout"));
  const now = text(mode) ?? "minimal";
  const waits = now !== "minimal";
  const nodes = flow(form.document).nodes;
  const chosen = text(node) ?? "";
  return (
    <>
      <Choices
        path={at("responseMode")}
        label="Response"
        value={now}
        onValue={(v) => setMode(str(v))}
        options={[
          ["minimal", "At once", "As soon as the event is safe on disk. The workflow runs afterwards."],
          [
            "lastNode",
            "The last output",
            "When the workflow has ended: the output of the last node that ran.",
          ],
          [
            "specificNode",
            "The output of one node",
            "When the workflow has ended: the output of the node below; null if it did not run.",
          ],
          ["allNodes", "All outputs", "When the workflow has ended: the outputs of all nodes by their ids."],
        ]}
      />
      {(now === "specificNode" || node !== undefined) && (
        <Frame
          path={at("responseNodeId")}
          label="Node of the response"
          required={now === "specificNode"}
          hint={now === "specificNode" ? undefined : "Only “The output of one node” uses this."}>
          {(ids) => (
            <Select
              {...ids}
              disabled={readOnly}
              value={chosen}
              onValue={(v) => setNode(v ? str(v) : undefined)}
              options={[
                ...(chosen && nodes.some((n) => n.id === chosen) && now === "specificNode"
                  ? []
                  : [["", "Choose a node"] as const]),
                ...nodes.map(
                  (n) => [n.id, n.name === n.id ? line(n.id, 60) : `${line(n.name, 60)} (${n.id})`] as const,
                ),
                ...(chosen && !nodes.some((n) => n.id === chosen)
                  ? [[chosen, `${line(chosen, 60)} (no such node)`] as const]
                  : []),
              ]}
            />
          )}
        </Frame>
      )}
      <div class="columns">
        <Frame
          path={at("statusCode")}
          label="Status of a success"
          hint="From 200 to 599. A failed execution is always 500 or 504.">
          {(ids) => (
            <NumberControl
              path={at("statusCode")}
              ids={ids}
              integer
              minimum={200}
              maximum={599}
              optional
              placeholder="200"
            />
          )}
        </Frame>
        {(waits || timeout) && (
          <Frame
            path={at("timeout")}
            label="Longest wait"
            hint={waits ? "How long a sender waits for the end." : "Only modes that wait use this."}>
            {(ids) => <PlainText path={at("timeout")} ids={ids} optional placeholder="30s" />}
          </Frame>
        )}
      </div>
      {(waits || onTimeout) && (
        <Frame path={at("onTimeout")} label="When that takes longer">
          {(ids) => (
            <Select
              {...ids}
              disabled={readOnly}
              value={text(onTimeout) ?? "error"}
              onValue={(v) => setOnTimeout(v === "error" ? undefined : str(v))}
              options={[
                ["error", "Cancel it: 504"],
                ["accept", "Let it go on: 202 and its id"],
              ]}
            />
          )}
        </Frame>
      )}
      <Headers />
    </>
  );
}

function Headers() {
  return (
    <Group path={at("headers")} label="Headers of the response">
      <PairList
        path={at("headers")}
        what="header"
        namePlaceholder="Cache-Control"
        optional
        fresh={() => str("")}>
        {(path, name) => <HeaderValue path={path} label={`Value of ${name}`} />}
      </PairList>
    </Group>
  );
}

function HeaderValue({ path, label }: { path: Path; label: string }) {
  const { error } = useField(path);
  return (
    <div class="cell" data-path={JSON.stringify(path)}>
      <PlainText path={path} label={label} ids={error ? { "aria-invalid": true } : undefined} />
      {error && <p class="field-error">{line(error, 300)}</p>}
    </div>
  );
}

/** How a request that is sent again is known. */
export function Idempotency() {
  const { value, set } = useField(at("idempotency"));
  const { value: scheme } = useField(at("signature", "scheme"));
  const way =
    value === undefined
      ? "none"
      : get(value, "field") !== undefined && get(value, "header") === undefined
        ? "field"
        : "header";
  const window = get(value, "window");
  const pick = (to: "none" | "header" | "field") =>
    set(to === "none" ? undefined : obj({ [to]: str(to === "header" ? "Idempotency-Key" : ""), window }));
  const byId = text(scheme) === "standard-webhooks";
  return (
    <Section
      title="Requests sent twice"
      summary={
        way === "none"
          ? byId
            ? "known by the id of the message"
            : "run twice"
          : `known by a ${way === "field" ? "field" : "header"}`
      }
      open={way !== "none"}
      paths={[at("idempotency")]}>
      <Choices
        path={at("idempotency")}
        label="The same request is known by"
        value={way}
        onValue={pick}
        options={[
          [
            "none",
            byId ? "The id of the message" : "Nothing",
            byId ? "Standard Webhooks signs an id: it is used by itself." : "Each request runs the workflow.",
          ],
          ["field", "A field of the body", "Such as event.id. It is signed, so it can be trusted."],
          ["header", "A header", "Such as Idempotency-Key. Headers are not signed."],
        ]}
      />
      {way !== "none" && (
        <div class="columns">
          <Frame path={at("idempotency", way)} label={way === "field" ? "Field" : "Header"} required>
            {(ids) => (
              <PlainText
                path={at("idempotency", way)}
                ids={ids}
                placeholder={way === "field" ? "event.id" : "Idempotency-Key"}
              />
            )}
          </Frame>
          <Frame path={at("idempotency", "window")} label="Remembered for" hint="At most 720h.">
            {(ids) => <PlainText path={at("idempotency", "window")} ids={ids} optional placeholder="24h" />}
          </Frame>
        </div>
      )}
      {way !== "none" && (
        <p class="hint">
          Sent again within that time, it starts nothing and gets the first response. With another body it
          gets 422.
        </p>
      )}
    </Section>
  );
}
