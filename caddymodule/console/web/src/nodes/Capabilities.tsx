// What a node may do: a sign and a word for each capability.
import type { NodeType } from "../api/types";
import { Icon } from "../ui/icons";
import { line } from "../ui/text";

const meanings: Record<string, string> = {
  http: "sends requests to the hosts that the operator allows",
  log: "writes to the log of an execution",
  clock: "reads the time",
  random: "gets random bytes",
  globals: "reads and writes globals",
};

/** The granted capabilities first. all: with what each means. */
export function Capabilities({ node, all }: { node: NodeType; all?: boolean }) {
  const granted = node.capabilities ?? [];
  const refused = node.refused ?? [];
  if (granted.length + refused.length === 0)
    return <span class="muted">{all ? "none: it only computes" : "none"}</span>;
  return (
    <ul class={all ? "grants all" : "grants"}>
      {granted.map((c) => (
        <li key={c} class="granted">
          <Icon name="check" size={14} />
          <span>
            <code>{line(c, 60)}</code>
            {all && <span class="muted small"> {meanings[c] ?? "allowed"}</span>}
            {all && node.optional?.includes(c) && <span class="muted small">, if it is allowed</span>}
          </span>
        </li>
      ))}
      {refused.map((c) => {
        const optional = node.optional?.includes(c) ?? false;
        return (
          <li key={c} class={optional ? "refused optional" : "refused"}>
            <Icon name={optional ? "minus" : "close"} size={14} />
            <span>
              <code>{line(c, 60)}</code>{" "}
              <span class="small">
                {!all
                  ? "not allowed"
                  : optional
                    ? "not allowed by the operator: it works without"
                    : "asked for, and not allowed by the operator"}
              </span>
            </span>
          </li>
        );
      })}
    </ul>
  );
}
