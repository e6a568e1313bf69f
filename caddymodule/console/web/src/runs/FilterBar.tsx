// The filter of the list of executions. Each change is a new address.
import { useEffect, useRef, useState } from "preact/hooks";
import { apiPath, getJson } from "../api/client";
import { statuses, type Status, type WorkflowRow } from "../api/types";
import { Button, Select, TextInput } from "../ui/controls";
import { Badge } from "../ui/show";
import { type Filter, filterKey, noFilter, type Span, spans, spanWords } from "./filter";

export function FilterBar({ filter, onFilter }: { filter: Filter; onFilter: (f: Filter) => void }) {
  const [exact, setExact] = useState(filter.from !== "" || filter.to !== "");
  const time: Span | "" | "exact" = filter.span || (exact || filter.from || filter.to ? "exact" : "");
  const toggle = (s: Status) =>
    onFilter({
      ...filter,
      status: statuses.filter((other) => (other === s) !== filter.status.includes(other)),
    });
  return (
    <search class="filters">
      <div class="toolbar">
        <WorkflowInput value={filter.workflow} onValue={(workflow) => onFilter({ ...filter, workflow })} />
        <SlowInput
          class="filter-id"
          label="Execution id, or its beginning"
          placeholder="Execution id"
          value={filter.id}
          onValue={(id) => onFilter({ ...filter, id })}
        />
        <Select
          aria-label="Time"
          value={time}
          onValue={(v) => {
            setExact(v === "exact");
            onFilter({ ...filter, span: v === "exact" ? "" : v, from: "", to: "" });
          }}
          options={[
            ["", "Any time"],
            ...(Object.keys(spans) as Span[]).map((s) => [s, capital(spanWords[s])] as const),
            ["exact", "From … until …"],
          ]}
        />
        <Select
          aria-label="Source"
          value={filter.source}
          onValue={(source) => onFilter({ ...filter, source })}
          options={[
            ["", "Any source"],
            ["console", "Sent by a console"],
            ...(filter.source && filter.source !== "console"
              ? [[filter.source, filter.source] as const]
              : []),
          ]}
        />
      </div>
      {time === "exact" && (
        <div class="toolbar">
          <TimeInput
            label="From"
            value={filter.from}
            onValue={(from) => onFilter({ ...filter, span: "", from })}
          />
          <TimeInput
            label="Until"
            value={filter.to}
            onValue={(to) => onFilter({ ...filter, span: "", to })}
          />
        </div>
      )}
      <div class="toolbar statuses" role="group" aria-label="Status">
        {statuses.map((s) => (
          <button
            key={s}
            type="button"
            class="pick"
            aria-pressed={filter.status.includes(s)}
            onClick={() => toggle(s)}
          >
            <Badge state={s} />
          </button>
        ))}
        {filterKey(filter) !== filterKey(noFilter) && (
          <Button
            look="quiet"
            small
            icon="close"
            onClick={() => {
              setExact(false);
              onFilter(noFilter);
            }}
          >
            Clear the filter
          </Button>
        )}
      </div>
    </search>
  );
}

const capital = (text: string): string => text[0]!.toUpperCase() + text.slice(1);

/** A text that becomes a filter when one stops typing. */
function SlowInput({
  label,
  value,
  onValue,
  ...rest
}: {
  label: string;
  value: string;
  onValue: (v: string) => void;
  class?: string;
  placeholder?: string;
  list?: string;
  onFocus?: () => void;
}) {
  const [typed, setTyped] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const latest = useRef(onValue);
  latest.current = onValue;
  useEffect(() => {
    setTyped(value);
    return () => clearTimeout(timer.current);
  }, [value]);
  const take = (v: string, after: number) => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => latest.current(v.trim()), after);
  };
  return (
    <TextInput
      {...rest}
      type="search"
      aria-label={label}
      value={typed}
      onValue={(v) => {
        setTyped(v);
        take(v, 350);
      }}
      onKeyDown={(e) => {
        if (e.key === "Enter") take(typed, 0);
      }}
    />
  );
}

/** The id of a workflow; the list of all is loaded when one needs it. */
function WorkflowInput({ value, onValue }: { value: string; onValue: (v: string) => void }) {
  const [ids, setIds] = useState<string[]>();
  const load = () => {
    if (ids) return;
    setIds([]);
    getJson<{ workflows: WorkflowRow[] }>(apiPath(["workflows"])).then(
      (all) => setIds(all.workflows.map((w) => w.id)),
      () => setIds(undefined),
    );
  };
  return (
    <>
      <SlowInput
        class="filter-workflow"
        label="Workflow id"
        placeholder="Workflow"
        value={value}
        onValue={onValue}
        list="run-workflows"
        onFocus={load}
      />
      <datalist id="run-workflows">
        {ids?.slice(0, 1000).map((id) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}

/** A time in this machine's zone, to the second. */
function TimeInput({
  label,
  value,
  onValue,
}: {
  label: string;
  value: string;
  onValue: (rfc3339: string) => void;
}) {
  return (
    <label class="row small">
      {label}
      <input
        class="input"
        type="datetime-local"
        step={1}
        value={localTime(value)}
        onChange={(e) => {
          const at = Date.parse(e.currentTarget.value);
          onValue(Number.isNaN(at) ? "" : new Date(at).toISOString());
        }}
      />
    </label>
  );
}

function localTime(rfc3339: string): string {
  const at = Date.parse(rfc3339);
  if (Number.isNaN(at)) return "";
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
