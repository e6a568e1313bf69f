// Which node to add: all node types of the server, found by typing.
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { NodeType } from "../api/types";
import { errorHandle, flow, handles, triggerType } from "../flow/document";
import type { Edit, Place } from "../flow/edits";
import type { Json } from "../json/lossless";
import { Field, Select, TextInput } from "../ui/controls";
import { Dialog } from "../ui/dialog";
import { Icon, iconOfType } from "../ui/icons";
import { line } from "../ui/text";
import { addAt } from "./starter";

interface PaletteProps {
  document: Json;
  types: ReadonlyMap<string, NodeType>;
  place: Place;
  /** Gets the document with the node. */
  onAdd: (edit: Edit) => void;
  onClose: () => void;
}

const builtinOrder = ["transform", "condition", "switch", "http-request", "code"];

export function Palette({ document, types, place, onAdd, onClose }: PaletteProps) {
  const id = useId();
  const list = useRef<HTMLUListElement>(null);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const [handle, setHandle] = useState(place.handle);
  const f = flow(document);
  const needsTrigger = !f.trigger;
  const words = query.toLowerCase().split(/\s+/);
  const found = needsTrigger
    ? []
    : sorted([...types.values()]).filter((t) => {
        const text = `${t.type} ${t.summary}`.toLowerCase();
        return words.every((w) => text.includes(w));
      });
  const current = Math.min(at, found.length - 1);
  const ways = place.after === undefined ? [] : handles(document, place.after, types);
  const add = (type: NodeType | "trigger") =>
    onAdd(addAt(document, type, place.after === undefined ? place : { ...place, handle }, types));

  useEffect(() => {
    list.current?.children[current]?.scrollIntoView({ block: "nearest" });
  }, [current]);
  const onKey = (e: KeyboardEvent) => {
    const to = { ArrowDown: current + 1, ArrowUp: current - 1, PageDown: current + 8, PageUp: current - 8 }[
      e.key
    ];
    if (to !== undefined) setAt(Math.max(0, Math.min(found.length - 1, to)));
    else if (e.key === "Enter" && found[current]) add(found[current]);
    else return;
    e.preventDefault();
  };

  if (needsTrigger) {
    return (
      <Dialog title="Add the trigger" onClose={onClose}>
        <p>A workflow begins with its trigger. Other nodes come after it.</p>
        <ul class="palette">
          <li>
            <button type="button" autoFocus onClick={() => add(triggerType)}>
              <span class="tile trigger">
                <Icon name="bolt" size={18} />
              </span>
              <span class="names">
                <b>trigger</b>
                <span class="muted small">Starts the workflow when a webhook arrives.</span>
              </span>
            </button>
          </li>
        </ul>
      </Dialog>
    );
  }
  return (
    <Dialog title="Add a node" onClose={onClose}>
      <p class="muted small">{placeText(document, place)}</p>
      {ways.length > 1 && place.after !== undefined && (
        <Field label="When">
          {(ids) => (
            <Select
              {...ids}
              value={handle ?? ""}
              onValue={(v) => setHandle(v === "" ? undefined : v)}
              options={ways.map(
                (h) =>
                  [
                    h.name ?? "",
                    h.error
                      ? "it fails"
                      : h.name === undefined
                        ? "it succeeds"
                        : `it chooses ${line(h.name, 40)}`,
                  ] as const,
              )}
            />
          )}
        </Field>
      )}
      <div class="search">
        <Icon name="search" size={18} />
        <TextInput
          value={query}
          onValue={(v) => {
            setQuery(v);
            setAt(0);
          }}
          onKeyDown={onKey}
          autoFocus
          placeholder="Search node types"
          aria-label="Search node types"
          role="combobox"
          aria-expanded="true"
          aria-controls={id}
          aria-autocomplete="list"
          aria-activedescendant={found[current] && `${id}-${current}`}
        />
      </div>
      <ul class="palette" role="listbox" id={id} ref={list} aria-label="Node types">
        {found.map((t, i) => (
          <li
            key={t.type}
            id={`${id}-${i}`}
            role="option"
            aria-selected={i === current}
            onClick={() => add(t)}
            onMouseMove={() => setAt(i)}
          >
            <span class="tile">
              <Icon name={iconOfType(t.type)} size={18} />
            </span>
            <span class="names">
              <b>
                {line(t.type, 64)}
                {!t.builtin && <span class="tag">custom</span>}
              </b>
              <span class="muted small">{line(t.summary, 160)}</span>
            </span>
          </li>
        ))}
      </ul>
      {found.length === 0 && (
        <p class="muted" role="status">
          {types.size === 0
            ? "The node types are not loaded yet."
            : "No node type has these words. The operator of the server can add custom ones."}
        </p>
      )}
    </Dialog>
  );
}

function sorted(list: NodeType[]): NodeType[] {
  const rank = (t: NodeType) => {
    const i = builtinOrder.indexOf(t.type);
    return t.builtin && i >= 0 ? i : builtinOrder.length;
  };
  return list.sort((a, b) => rank(a) - rank(b) || a.type.localeCompare(b.type));
}

function placeText(document: Json, place: Place): string {
  const f = flow(document);
  const name = (id: string | undefined) => line(f.byId.get(id ?? "")?.name ?? "", 60);
  const edge = f.edges.find((e) => e.index === place.edge);
  if (edge) return `Between ${name(edge.source)} and ${name(edge.target)}.`;
  if (place.after === undefined) return "Connected to nothing yet.";
  return place.handle === errorHandle
    ? `For when ${name(place.after)} fails.`
    : `After ${name(place.after)}.`;
}
