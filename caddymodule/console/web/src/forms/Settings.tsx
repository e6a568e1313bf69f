// The settings that each node has beside its config: name, time limit, retries, errors, items.
import { get, num, obj, str, text } from "../json/lossless";
import { Select, Switch } from "../ui/controls";
import { useField, useForm } from "./context";
import { NumberControl, PlainText, TextControl } from "./inputs";
import { Frame, Group, Section } from "./parts";

export function NameField() {
  const { node } = useForm();
  return (
    <Frame path={["name"]} label="Name">
      {(ids) => <PlainText path={["name"]} ids={ids} optional placeholder={node} />}
    </Frame>
  );
}

/** Time limit, retries, what a failure does, and forEach. */
export function Settings({
  perItem,
}: {
  /** The node can run once an item: its handles do not depend on its config. */
  perItem: boolean;
}) {
  const { value: timeout } = useField(["timeout"]);
  const { value: retry } = useField(["retry"]);
  const { value: onError, set: setOnError, readOnly } = useField(["onError"]);
  const { value: forEach } = useField(["forEach"]);
  const { value: concurrency } = useField(["concurrency"]);
  const attempts = get(retry, "maxAttempts");
  const failure = [
    timeout && `after ${text(timeout) ?? ""}`,
    attempts?.kind === "number" && `${attempts.text} attempts`,
    onError && text(onError) === "continue" && "continues",
  ]
    .filter(Boolean)
    .join(", ");
  return (
    <>
      <Section
        title="Time and failures"
        summary={failure || "defaults"}
        open={failure !== ""}
        paths={[["timeout"], ["retry"], ["onError"]]}>
        <Frame
          path={["timeout"]}
          label="Time limit of an attempt"
          hint="Such as 5s or 1m30s. The server's limit applies, too.">
          {(ids) => <PlainText path={["timeout"]} ids={ids} optional placeholder="The server's limit" />}
        </Frame>
        <Retry />
        <Frame
          path={["onError"]}
          label="When it fails"
          hint="An edge from the handle “error” is followed in both cases.">
          {(ids) => (
            <Select
              {...ids}
              disabled={readOnly}
              value={text(onError) ?? "stop"}
              onValue={(v) => setOnError(v === "stop" ? undefined : str(v))}
              options={[
                ["stop", "Stop: nodes after it do not run"],
                ["continue", "Continue: its output is the error"],
              ]}
            />
          )}
        </Frame>
      </Section>
      {(perItem || forEach) && (
        <Section
          title="Run for each item"
          summary={text(forEach) || "off"}
          open={forEach !== undefined}
          paths={[["forEach"], ["concurrency"]]}>
          <Frame
            path={["forEach"]}
            label="List"
            hint="The node runs once for each element, which is {{item}} in its config.">
            {(ids) => (
              <TextControl
                path={["forEach"]}
                ids={ids}
                optional
                wholeOnly
                placeholder="{{trigger.data.items}}"
              />
            )}
          </Frame>
          {(forEach || concurrency) && (
            <Frame path={["concurrency"]} label="Items at a time" hint="From 1 to 256.">
              {(ids) => (
                <NumberControl
                  path={["concurrency"]}
                  ids={ids}
                  integer
                  minimum={1}
                  maximum={256}
                  optional
                  placeholder="1"
                />
              )}
            </Frame>
          )}
        </Section>
      )}
    </>
  );
}

function Retry() {
  const { value, set, readOnly } = useField(["retry"]);
  const on = value !== undefined;
  return (
    <Group
      path={["retry"]}
      label="Retries"
      hint="A response of an HTTP service with a status of 4xx is not retried, except 408, 425 and 429.">
      <Switch
        label="Try again when it fails"
        checked={on}
        disabled={readOnly}
        onValue={(v) => set(v ? obj({ maxAttempts: num(3) }) : undefined)}
      />
      {on && (
        <div class="columns">
          <Frame path={["retry", "maxAttempts"]} label="Attempts in all">
            {(ids) => (
              <NumberControl path={["retry", "maxAttempts"]} ids={ids} integer minimum={1} maximum={20} />
            )}
          </Frame>
          <Frame path={["retry", "backoff"]} label="First wait">
            {(ids) => <PlainText path={["retry", "backoff"]} ids={ids} optional placeholder="1s" />}
          </Frame>
          <Frame path={["retry", "maxBackoff"]} label="Longest wait">
            {(ids) => <PlainText path={["retry", "maxBackoff"]} ids={ids} optional placeholder="30s" />}
          </Frame>
        </div>
      )}
    </Group>
  );
}
