// A button that opens a menu of actions.
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

export interface MenuItem {
  text: string;
  icon: IconName;
  onSelect: () => void;
  danger?: boolean;
  /** Why it cannot be chosen now: it is shown, and takes no clicks. */
  because?: string;
}

/** Arrow keys move in the open menu, Escape closes it. The browser draws it above everything else. */
export function Menu({
  label,
  items,
  icon = "more",
}: {
  label: string;
  items: readonly MenuItem[];
  icon?: IconName;
}) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);

  const entries = () => [...(menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [])];
  const place = () => {
    const from = button.current?.getBoundingClientRect();
    const box = menu.current;
    if (!from || !box) return;
    const below = from.bottom + 4;
    const top = below + box.offsetHeight > innerHeight ? Math.max(8, from.top - 4 - box.offsetHeight) : below;
    box.style.top = `${top}px`;
    box.style.left = `${Math.max(8, Math.min(from.right, innerWidth - 8) - box.offsetWidth)}px`;
  };
  useLayoutEffect(() => {
    if (!open) return;
    place();
    entries()[0]?.focus();
  }, [open]);
  const keys = (e: KeyboardEvent) => {
    const all = entries();
    const now = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: now + 1, ArrowUp: now - 1, Home: 0, End: all.length - 1 }[e.key];
    if (to !== undefined) {
      e.preventDefault();
      all[(to + all.length) % all.length]?.focus();
    } else if (e.key === "Tab") menu.current?.hidePopover();
  };
  const choose = (item: MenuItem) => {
    if (item.because) return;
    menu.current?.hidePopover();
    item.onSelect();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="button quiet small"
        aria-haspopup="menu"
        aria-expanded={open}
        aria-controls={id}
        aria-label={label}
        title={label}
        onClick={() => menu.current?.togglePopover()}
      >
        <Icon name={icon} size={16} />
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        class="menu"
        onKeyDown={keys}
        onToggle={(e) => {
          setOpen((e as unknown as ToggleEvent).newState === "open");
        }}
      >
        {open &&
          items.map((item) => (
            <button
              key={item.text}
              type="button"
              role="menuitem"
              tabIndex={-1}
              class={item.danger ? "danger" : undefined}
              aria-disabled={item.because ? true : undefined}
              title={item.because}
              onClick={() => choose(item)}
            >
              <Icon name={item.icon} size={16} />
              <span>
                {item.text}
                {item.because && <span class="hint">{item.because}</span>}
              </span>
            </button>
          ))}
      </div>
    </>
  );
}
