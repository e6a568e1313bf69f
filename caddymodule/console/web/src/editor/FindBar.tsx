// The search in a text of the code editor.
import { useEffect, useRef, useState } from "preact/hooks";
import { IconButton, TextInput } from "../ui/controls";
import { plural } from "../ui/text";
import type { Search } from "./markers";

export function FindBar({
  first,
  find,
  onClose,
}: {
  first: string;
  find: (text: string, step: 1 | 0 | -1) => Search;
  onClose: () => void;
}) {
  const [text, setText] = useState(first);
  const [found, setFound] = useState<Search>();
  const field = useRef<HTMLDivElement>(null);
  const go = (t: string, step: 1 | 0 | -1) => {
    setText(t);
    setFound(t ? find(t, step) : void find("", 0));
  };
  useEffect(() => {
    const input = field.current?.querySelector("input");
    input?.focus();
    input?.select();
    go(first, 0);
    return () => {
      find("", 0);
    };
  }, []);
  return (
    <div
      class="find-bar"
      role="search"
      ref={field}
      onKeyDown={(e) => {
        if (e.key === "Escape") {
          e.stopPropagation();
          onClose();
        }
        if (e.key === "F3" || (e.key === "Enter" && e.target instanceof HTMLInputElement)) {
          e.preventDefault();
          go(text, e.shiftKey ? -1 : 1);
        }
      }}>
      <TextInput
        type="search"
        aria-label="Search in the text"
        placeholder="Search"
        value={text}
        onValue={(t) => go(t, 0)}
      />
      <span class="small muted number" role="status">
        {!text || !found
          ? ""
          : found.of === 0
            ? "none"
            : `${found.at} of ${found.more ? `${plural(found.of, "place")} or more` : found.of}`}
      </span>
      <IconButton icon="up" small label="Previous place (Shift+Enter)" onClick={() => go(text, -1)} />
      <IconButton icon="down" small label="Next place (Enter)" onClick={() => go(text, 1)} />
      <IconButton icon="close" small label="Close the search" onClick={onClose} />
    </div>
  );
}
