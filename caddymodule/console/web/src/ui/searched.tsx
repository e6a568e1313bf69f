// A screen's table whose rows are searched by the query q of its address.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import { href, navigate } from "../router";
import { Button, TextInput } from "./controls";
import { Icon } from "./icons";
import { MoreRows, useMore } from "./more";
import { Empty, LoadError, Skeleton } from "./show";
import { plural } from "./text";

interface Props<T> {
  /** The screen's route. */
  screen: string;
  /** The text that is searched for. */
  query: string;
  /** All rows; undefined = they are not loaded yet. */
  rows: readonly T[] | undefined;
  /** What is searched in a row. */
  textOf: (row: T) => string;
  error?: ApiError;
  retry: () => void;
  /** What stands in place of the table when there are no rows at all. */
  empty: ComponentChildren;
  /** The name and placeholder of the search field. */
  label: string;
  /** What a row is, in the singular. */
  noun: string;
  /** Says that no row matches. */
  none: string;
  /** The heads of the columns. */
  columns: readonly string[];
  /** The last column has buttons, and no visible head. */
  actions?: boolean;
  class?: string;
  row: (row: T) => ComponentChildren;
}

export function SearchedTable<T>(p: Props<T>) {
  const wanted = p.query.toLowerCase();
  const found = (p.rows ?? []).filter((row) => p.textOf(row).toLowerCase().includes(wanted));
  const more = useMore(found, p.query);
  return (
    <>
      <LoadError error={p.error} retry={p.retry} />
      {p.rows === undefined ? (
        !p.error && (
          <div class="card">
            <Skeleton lines={6} />
          </div>
        )
      ) : p.rows.length === 0 ? (
        <div class="card">{p.empty}</div>
      ) : (
        <>
          <div class="toolbar" role="search">
            <label class="search">
              <Icon name="search" size={18} />
              <TextInput
                type="search"
                aria-label={p.label}
                placeholder={p.label}
                value={p.query}
                onValue={(q) => navigate(href([p.screen], { q }), true)}
              />
            </label>
            <span class="muted small" role="status">
              {plural(found.length, p.noun)}
            </span>
          </div>
          <div class="table-box">
            <table class={`table as-cards${p.class ? ` ${p.class}` : ""}`}>
              <thead>
                <tr>
                  {p.columns.map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                  {p.actions && (
                    <th scope="col">
                      <span class="visually-hidden">Actions</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>{more.shown.map(p.row)}</tbody>
            </table>
            {found.length === 0 && (
              <Empty icon="search" title={p.none}>
                <Button onClick={() => navigate(href([p.screen]), true)}>Show all</Button>
              </Empty>
            )}
          </div>
          <MoreRows more={more} />
        </>
      )}
    </>
  );
}
