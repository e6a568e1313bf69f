// Dialogs and short messages, one stack for the whole page.
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button, IconButton } from "./controls";
import { Icon } from "./icons";

/** A modal dialog: the browser keeps the focus inside and gives it back. */
export function Dialog({
  title,
  onClose,
  children,
  wide,
  keep,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
  /** Neither a click beside the dialog nor Escape closes it: it has what is shown only once, or was typed. */
  keep?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    // The focus goes back, unless what the dialog did has put it elsewhere: not at once, since the
    // key that closed the dialog must not press what gets the focus.
    return () => {
      requestAnimationFrame(() => {
        if (
          before instanceof HTMLElement &&
          before.isConnected &&
          (document.activeElement ?? document.body) === document.body
        )
          before.focus();
      });
    };
  }, []);
  return (
    <dialog
      ref={ref}
      class={wide ? "wide" : undefined}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        if (!keep) onClose();
      }}
      onClose={onClose} // by the browser, which lets a second Escape close any dialog
      onMouseDown={(e) => {
        if (e.target === ref.current && !keep) onClose();
      }}
    >
      <div class="dialog-body">
        <header>
          <h2 id={id}>{title}</h2>
          <IconButton icon="close" label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface Question {
  title: string;
  text: ComponentChildren;
  action: string;
  danger?: boolean;
  answer: (yes: boolean) => void;
}
const question = signal<Question | undefined>(undefined);

/** Asks before something that cannot be undone. */
export function confirm(q: Omit<Question, "answer">): Promise<boolean> {
  question.value?.answer(false);
  return new Promise((resolve) => {
    question.value = {
      ...q,
      answer: (yes) => {
        question.value = undefined;
        resolve(yes);
      },
    };
  });
}

interface Message {
  id: number;
  text: string;
  tone: "ok" | "bad";
  href?: string;
  linkText?: string;
}
const messages = signal<Message[]>([]);
let count = 0;

/** Shows a short message: of success for 5 s, of a failure until it is closed. */
export function say(
  text: string,
  more: { tone?: "ok" | "bad"; href?: string; linkText?: string } = {},
): void {
  const m: Message = { id: ++count, text, tone: more.tone ?? "ok", href: more.href, linkText: more.linkText };
  messages.value = [...messages.value.slice(-3), m];
  if (m.tone === "ok") setTimeout(() => dismiss(m.id), 5000);
}

const dismiss = (id: number) => {
  messages.value = messages.value.filter((m) => m.id !== id);
};

/** Says what went wrong with an action. */
export function sayError(e: unknown): void {
  say(e instanceof Error ? e.message : String(e), { tone: "bad" });
}

/** Where dialogs of confirm and messages appear: once, at the end of the page. */
export function Overlays() {
  const q = question.value;
  return (
    <>
      {q && (
        <Dialog title={q.title} onClose={() => q.answer(false)}>
          <div class="dialog-text">{q.text}</div>
          <footer>
            <Button onClick={() => q.answer(false)}>Cancel</Button>
            <Button look={q.danger ? "danger" : "primary"} autoFocus onClick={() => q.answer(true)}>
              {q.action}
            </Button>
          </footer>
        </Dialog>
      )}
      <div class="toasts" role="status" aria-live="polite">
        {messages.value.map((m) => (
          <div key={m.id} class={`toast ${m.tone}`}>
            <Icon name={m.tone === "ok" ? "check" : "warn"} />
            <span>
              {m.text} {m.href && <a href={m.href}>{m.linkText ?? "Open"}</a>}
            </span>
            <IconButton icon="close" label="Dismiss" small onClick={() => dismiss(m.id)} />
          </div>
        ))}
      </div>
    </>
  );
}
