// Until when secrets are valid.
import { serverNow } from "../api/client";
import type { SecretRow } from "../api/types";
import { Icon } from "../ui/icons";
import { Time } from "../ui/show";
import { plural, visible } from "../ui/text";

/** Secrets that expire within this time, with none that stays, are warned about: 7 days in milliseconds. */
export const soon = 7 * 86_400_000;

/**
 * Returns when the last secret of a row expires, in milliseconds; undefined = one does not expire,
 * or there is none.
 */
export function endOf(row: SecretRow): number | undefined {
  let end: number | undefined;
  for (const s of row.secrets) {
    if (s.expiresAt === undefined) return undefined;
    end = Math.max(end ?? 0, Date.parse(s.expiresAt));
  }
  return end;
}

/** Reports whether no secret of a row is valid for longer than a few days. */
export const endsSoon = (row: SecretRow, now = serverNow()): boolean => (endOf(row) ?? Infinity) < now + soon;

/** How many secrets there are, and until when each is valid. */
export function Expiries({ row }: { row: SecretRow }) {
  if (row.problem)
    return (
      <span class="tone-bad wrap">
        <Icon name="warn" size={16} /> {visible(row.problem)}
      </span>
    );
  if (row.live === 0)
    return (
      <span class="tone-bad">
        <Icon name="warn" size={16} /> All have expired: all webhooks are refused.
      </span>
    );
  const ending = row.secrets.filter((s) => s.expiresAt !== undefined);
  return (
    <span class="expiries">
      <span>
        {plural(row.live, "secret")}
        {ending.length === 0 && (row.live === 1 ? ", does not expire" : ", which do not expire")}
      </span>
      {ending.map((s, i) => (
        <span key={i} class="muted">
          {row.live === 1 ? "it" : "one"} expires <Time at={s.expiresAt} />
        </span>
      ))}
      {endsSoon(row) && (
        <span class="tone-warn">
          <Icon name="warn" size={16} /> No other stays after that: rotate it in time.
        </span>
      )}
    </span>
  );
}
