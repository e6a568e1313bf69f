// What people have changed and not saved, by workflow. It stays while they are elsewhere in the page, and the
// browser asks before the page with it is closed.
import { type Signal, signal } from "@preact/signals";
import { type Json, JsonSyntaxError, obj, parse } from "../json/lossless";
import { format } from "./format";
import { History } from "./history";

/** One state of a document that is being edited. */
export interface Content {
  /** The document, or the last one that could be read. */
  readonly document: Json;
  /**
   * The text as somebody typed it, or as it is stored. Undefined = the document was changed by an edit; see
   * textOf.
   */
  readonly text: string | undefined;
  /** Why the text is no JSON object. */
  readonly error: JsonSyntaxError | undefined;
}

const written = new WeakMap<Json, string>();

/** The text of a state. */
export function textOf(content: Content): string {
  if (content.text !== undefined) return content.text;
  let text = written.get(content.document);
  if (text === undefined) written.set(content.document, (text = format(content.document)));
  return text;
}

/** Reads a text. If it is no JSON object, before is the document that is kept beside it. */
export function contentOf(text: string, before: Json = obj([])): Content {
  try {
    const document = parse(text);
    if (document.kind === "object") return { document, text, error: undefined };
    return {
      document: before,
      text,
      error: new JsonSyntaxError("a workflow is an object in braces", 0, 1, 1),
    };
  } catch (e) {
    if (!(e instanceof JsonSyntaxError)) throw e;
    return { document: before, text, error: e };
  }
}

/** What is stored, as the draft began. */
export interface Base {
  /** 0 = nothing is stored. */
  readonly revision: number;
  readonly text: string;
}

export class Draft {
  private readonly history: History<Content>;
  private readonly state: Signal<{ content: Content; base: Base }>;
  /** The node that was selected last, for the next visit. */
  selected: string | undefined;

  constructor(
    readonly id: string,
    base: Base,
    text: string = base.text,
  ) {
    const content = contentOf(text);
    this.history = new History(content, (c) => c.text?.length ?? 0);
    this.state = signal({ content, base });
  }

  get content(): Content {
    return this.state.value.content;
  }
  get document(): Json {
    return this.content.document;
  }
  get text(): string {
    return textOf(this.content);
  }
  get base(): Base {
    return this.state.value.base;
  }
  /** Whether there is something to save. */
  get dirty(): boolean {
    return this.base.revision === 0 || this.text !== this.base.text;
  }
  get canUndo(): boolean {
    return this.content === this.history.value && this.history.canUndo;
  }
  get canRedo(): boolean {
    return this.content === this.history.value && this.history.canRedo;
  }

  /** Makes an edit a step. Steps with the same coalesce key in quick succession are one. */
  edit(document: Json, coalesce?: string): void {
    if (document !== this.document) this.push({ document, text: undefined, error: undefined }, coalesce);
  }

  /** Takes what somebody typed as the document's text. */
  type(text: string): void {
    if (text !== this.text) this.push(contentOf(text, this.document), "text");
  }

  private push(content: Content, coalesce: string | undefined): void {
    this.history.push(content, coalesce);
    this.show();
  }

  undo(): void {
    this.history.undo();
    this.show();
  }
  redo(): void {
    this.history.redo();
    this.show();
  }

  private show(base = this.base): void {
    this.state.value = { content: this.history.value, base };
  }

  /** Notes that text is stored now. What was typed since stays. */
  saved(revision: number, text: string): void {
    this.show({ revision, text });
  }

  /** Takes what is stored as a step, so that undo brings back what was here. */
  take(base: Base): void {
    this.history.push(contentOf(base.text, this.document));
    this.show(base);
  }

  /** Takes what is stored while nothing was changed here: no step. */
  follow(base: Base): void {
    this.history.replace(contentOf(base.text, this.document));
    this.show(base);
  }

  /** Goes on with what is here, on top of what is stored now. */
  rebase(base: Base): void {
    this.show(base);
  }
}

/** Drafts without changes that are kept, for their undo steps. */
const maxClean = 8;
const drafts = signal<ReadonlyMap<string, Draft>>(new Map());

/** The draft of a workflow, if its screen was opened. */
export const draftOf = (id: string): Draft | undefined => drafts.value.get(id);

/** Whether a workflow has changes that are not saved. Read while rendering, it is kept current. */
export const hasDraft = (id: string): boolean => drafts.value.get(id)?.dirty ?? false;

/** Begins a draft: of what is stored, or with revision 0 of a new workflow. */
export function openDraft(id: string, base: Base, text?: string): Draft {
  const draft = new Draft(id, base, text);
  const next = new Map(drafts.peek());
  next.delete(id);
  next.set(id, draft);
  let clean = [...next.values()].filter((d) => !d.dirty).length;
  for (const [key, d] of next) {
    if (clean <= maxClean) break;
    if (!d.dirty && d !== draft) {
      next.delete(key);
      clean--;
    }
  }
  drafts.value = next;
  return draft;
}

/** Forgets a draft with its changes. */
export function dropDraft(id: string): void {
  const next = new Map(drafts.peek());
  if (next.delete(id)) drafts.value = next;
}

/** The ids of all workflows with changes that are not saved. */
export const dirtyDrafts = (): string[] => [...drafts.value.values()].filter((d) => d.dirty).map((d) => d.id);

if (typeof addEventListener === "function") {
  addEventListener("beforeunload", (e) => {
    if (dirtyDrafts().length > 0) e.preventDefault();
  });
}
