// The form of a node: the settings of its type, and those that each node has.
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { ExecutionRecord, NodeType, Problem } from "../api/types";
import { fromPlain, get, items, type Json, set, text } from "../json/lossless";
import { type Path, pathText } from "../templates/path";
import { scopeOf } from "../templates/scope";
import { useGlobals } from "../templates/globals";
import { Note, Skeleton } from "../ui/show";
import { line } from "../ui/text";
import { AnyField } from "./AnyField";
import { CodeForm } from "./CodeForm";
import { ConditionForm } from "./ConditionForm";
import { type FormContext, FormProvider, useField } from "./context";
import { HttpForm } from "./HttpForm";
import { focusField, problemsOf, wanted } from "./problems";
import type { Schema } from "./schema";
import { ObjectFields } from "./ObjectFields";
import { NameField, Settings } from "./Settings";
import { SwitchForm } from "./SwitchForm";
import { TransformForm } from "./TransformForm";

export interface Change {
  /** Changes with the same text, one after the other, are one step of undo. */
  coalesce?: string;
}

export interface NodeFormProps {
  document: Json;
  /** The id of the node. */
  node: string;
  types: readonly NodeType[];
  /** The problems of the whole document. */
  problems: readonly Problem[];
  /** The execution whose values are offered and previewed: the last one, if there is one. */
  sample?: ExecutionRecord;
  onChange: (document: Json, change: Change) => void;
  readOnly?: boolean;
}

export function NodeForm(props: NodeFormProps) {
  const { document, node, types } = props;
  const index = items(get(document, "nodes")).findIndex((n) => text(get(n, "id")) === node);
  const type = text(get(document, "nodes", index, "type")) ?? "";
  if (index < 0) return <Note tone="warn">The workflow has no node {line(node, 80)} any more.</Note>;
  // Not loaded yet: a form of another kind would lose what is typed.
  if (types.length === 0) return <Skeleton lines={6} />;
  const nodeType = types.find((t) => t.type === type);
  return (
    <Form {...props} index={index} key={node}>
      <NameField />
      {nodeType ? (
        <Config type={nodeType} Special={specialOf(nodeType)} />
      ) : (
        <>
          <Note tone="warn">
            This server has no node type {line(type, 80)}: its settings are shown as they are.
          </Note>
          <AnyField path={["config"]} label="Config" />
        </>
      )}
      <Settings perItem={!nodeType || (!nodeType.handles?.length && !nodeType.handlesFrom)} />
    </Form>
  );
}

/**
 * The frame of a form of a node: it gives fields what they share, and goes to the place that is asked for.
 */
export function Form({
  document,
  node,
  index,
  problems,
  sample,
  onChange,
  readOnly = false,
  children,
}: Omit<NodeFormProps, "types"> & {
  index: number;
  children: ComponentChildren;
}) {
  const root = useRef<HTMLFormElement>(null);
  const globals = useGlobals();
  // Two changes can come before the page is drawn again: the second is made to the result of the first.
  const latest = useRef(document);
  latest.current = document;
  const forEach = text(get(document, "nodes", index, "forEach"));
  const edges = get(document, "edges");
  const names = items(get(document, "nodes"))
    .map((n) => `${text(get(n, "id")) ?? ""} ${text(get(n, "name")) ?? ""}`)
    .join("\n");
  const scope = useMemo(
    () => scopeOf({ document, node, sample, globals, inForEach: true }),
    [node, sample, globals, forEach, edges, names, get(document, "name"), get(document, "id")],
  );
  const own = useMemo(() => problemsOf(problems, index), [problems, index]);
  const edit: FormContext["edit"] = (change, key) => {
    latest.current = change(latest.current);
    onChange(latest.current, { coalesce: key });
  };
  const context: FormContext = {
    document,
    node,
    index,
    readOnly,
    scope,
    problems: own,
    sample,
    edit,
    key: `${text(get(document, "id")) ?? ""}/${node}`,
    change: (path, value, coalesce) =>
      edit(
        (d) => set(d, ["nodes", index, ...path], value),
        coalesce ? `${node}/${pathText(path)}` : undefined,
      ),
  };
  const place = wanted.value;
  useEffect(() => {
    if (place?.node !== node) return;
    const frame = requestAnimationFrame(() => {
      // whoever shows the form has put the focus where it likes by then
      wanted.value = undefined;
      if (root.current) focusField(root.current, place.path);
    });
    return () => cancelAnimationFrame(frame);
  }, [place]);
  return (
    <FormProvider value={context}>
      <form class="node-form" ref={root} onSubmit={(e) => e.preventDefault()}>
        {children}
      </form>
    </FormProvider>
  );
}

const configPath: Path = ["config"];

/**
 * The forms of built-in types. All others, also of modules that nobody here knows, are made from their
 * schemas.
 */
const special: Record<string, ComponentType> = {
  code: CodeForm,
  condition: ConditionForm,
  "http-request": HttpForm,
  switch: SwitchForm,
  transform: TransformForm,
};

function specialOf(type: NodeType): ComponentType | undefined {
  const builtin = /^(?:built-in node |builtin:)([\w-]+)$/.exec(type.source)?.[1] ?? "";
  return Object.hasOwn(special, builtin) ? special[builtin] : undefined;
}

function Config({ type, Special }: { type: NodeType; Special?: ComponentType }) {
  const { value } = useField(configPath);
  const defaults = useMemo(
    () =>
      new Map((type.defaults ?? []).filter((d) => !d.with).map((d) => [d.key, fromPlain(d.value)] as const)),
    [type],
  );
  const fixed = useMemo(() => new Set(type.fixed ?? []), [type]);
  const schema = type.schema as Schema;
  if (Special && (value === undefined || value.kind === "object")) return <Special />;
  if (schema === undefined) {
    return (
      <AnyField
        path={configPath}
        label="Config"
        hint="This node type does not say which settings it takes."
      />
    );
  }
  return (
    <ObjectFields
      path={configPath}
      schema={schema}
      root={schema}
      nesting={0}
      defaults={defaults}
      fixed={fixed}
    />
  );
}
