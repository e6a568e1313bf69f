// What a node may do: a sign and a word for each capability.
import type { NodeType } from "../api/types";
import { Icon } from "../ui/icons";
import { line } from "../ui/text";

const meanings: Record<string, string> = {
  http: "sends requests to the hosts that the operator allows", log: "writes to the log of an execution", clock: "reads the time",
  random: "gets random bytes", globals: "reads and writes globals",
};

/** The granted capabilities first. all: with what each means. */
export function Capabilities({ node, all }: { node: NodeType; all?: boolean }) {
  const granted = node.capabilities ?? [];
  const refused = node.refused ?? [];
  if (granted.length + refused.length === 0) return <span class="muted">{all ? "none: it only computes" : "none"}</span>;
  return (
    <ul class={all ? "grants all" : "grants"}>
      {granted.map((c) => (
        <li key={c} class="granted"><Icon name="check" size={14} /><span><code>{line(c, 60)}</code>{all && <span class="muted small"> {meanings[c] ?? "allowed"}</span>}
          {all && node.optional?.includes(c) && <span class="muted small">, if it is allowed</span>}</span></li>
      ))}
      {refused.map((c) => (
        <li key={c} class="refused"><Icon name="close" size={14} /><span><code>{line(c, 60)}</code> <span class="small">{all ? "asked for, and not allowed by the operator" : "not allowed"}</span></span></li>
      ))}
    </ul>
  );
}
