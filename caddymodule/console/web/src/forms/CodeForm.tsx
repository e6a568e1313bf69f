// The form of JavaScript code.
import { useMemo } from "preact/hooks";
import { CodeEditor } from "../editor/CodeEditor";
import { get, str, text } from "../json/lossless";
import { suggest } from "../templates/complete";
import { type Path, pathText } from "../templates/path";
import { Note } from "../ui/show";
import { line, visible } from "../ui/text";
import { AnyField } from "./AnyField";
import { lastError, problemMarkers } from "./codeErrors";
import { useField, useForm } from "./context";
import { JsonControl } from "./JsonField";
import { Group, Section } from "./parts";
import { UnknownKeys } from "./UnknownKeys";

const sourcePath: Path = ["config", "source"];

export function CodeForm() {
  const form = useForm();
  const { value, set, readOnly } = useField(sourcePath);
  const source = text(value) ?? "";
  const problems = useMemo(
    () => form.problems.list.filter((p) => pathText(p.path) === "config.source").map((p) => p.problem),
    [form.problems],
  );
  const record = form.sample?.nodes?.find((n) => n.id === form.node);
  const last = useMemo(() => lastError(record, source), [record, source]);
  const markers = useMemo(
    () => [...problemMarkers(problems), ...(last?.marker ? [last.marker] : [])],
    [problems, last],
  );
  if (value && value.kind !== "string") {
    return (
      <Group path={sourcePath} label="Code" hint="The code has to be a text.">
        <JsonControl path={sourcePath} label="Code, JSON" />
      </Group>
    );
  }
  return (
    <>
      <Group path={sourcePath} label="Code" required>
        <CodeEditor
          language="javascript"
          label="Code, JavaScript"
          value={source}
          minLines={8}
          maxLines={28}
          readOnly={readOnly}
          markers={markers}
          onValue={(v) => set(str(v), true)}
          complete={(query) => suggest(form.scope, query)}
        />
        {last && (
          <Note tone="bad">
            In the last execution it failed{last.marker ? ` at line ${last.marker.line}` : ""}:{" "}
            {line(last.message, 300)}
            {last.changed && " The code was changed since then."}
          </Note>
        )}
      </Group>
      <AnyField
        path={["config", "input"]}
        label="Input"
        placeholder="{{trigger.data}}"
        hint="What “input” is in the code."
      />
      <Section title="What the code can use" summary="input, trigger, steps, …">
        <Names />
      </Section>
      <UnknownKeys path={["config"]} known={["source", "input"]} />
    </>
  );
}

/** What is in scope, with the nodes that are upstream. */
function Names() {
  const form = useForm();
  const steps = form.scope.roots.filter((r) => r.path[0] === "steps").map((r) => String(r.path[1]));
  const each = text(get(form.document, "nodes", form.index, "forEach"));
  const step = (id: string) =>
    /^[A-Za-z_$][\w$]*$/.test(id) ? `steps.${id}.output` : `steps["${id}"].output`;
  return (
    <>
      <p class="small">
        The code is the body of a function: what it returns is the output. Or it is a module with{" "}
        <code>export default (input, ctx) =&gt; …</code>, where all other names are members of{" "}
        <code>ctx</code>.
      </p>
      <dl class="facts names">
        <dt>
          <code>input</code>
        </dt>
        <dd>the value of the field Input</dd>
        <dt>
          <code>trigger</code>
        </dt>
        <dd>
          <code>.data</code>, <code>.headers</code>, <code>.method</code>, <code>.clientIp</code>,{" "}
          <code>.receivedAt</code>
        </dd>
        <dt>
          <code>steps</code>
        </dt>
        <dd>
          {steps.slice(0, 30).map((id) => (
            <code key={id} class="block">
              {visible(step(id))}
            </code>
          ))}
        </dd>
        <dt>
          <code>global</code>
        </dt>
        <dd>
          the globals that the code names, as in <code>global.api_url</code>
        </dd>
        {each && (
          <>
            <dt>
              <code>item</code>, <code>index</code>
            </dt>
            <dd>the element of this run, and its number from 0</dd>
          </>
        )}
        <dt>
          <code>execution.id</code>
        </dt>
        <dd>
          and <code>workflow.id</code>, <code>workflow.name</code>
        </dd>
        <dt>
          <code>console</code>
        </dt>
        <dd>its lines are in the record of the execution</dd>
      </dl>
      <p class="small">
        Numbers have about 16 digits here. Pass longer ones as texts. There is no <code>require</code> and
        no{" "}
        <code>setTimeout</code>.
      </p>
    </>
  );
}
