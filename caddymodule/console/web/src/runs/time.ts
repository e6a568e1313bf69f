// Times of records: they have nanoseconds, which a Date loses.

/** The nanoseconds from one time to another, negative if it is before. NaN if one of them is none. */
export function nanos(from: string | undefined, to: string | undefined): number {
  const seconds = Math.floor(Date.parse(to ?? "") / 1000) - Math.floor(Date.parse(from ?? "") / 1000);
  return seconds * 1e9 + fraction(to ?? "") - fraction(from ?? "");
}

/** The nanoseconds of a time within its second. */
function fraction(rfc3339: string): number {
  return Number((/\.(\d{1,9})/.exec(rfc3339)?.[1] ?? "").padEnd(9, "0"));
}

/** A time in milliseconds as the API writes times. */
export const rfc3339 = (ms: number): string => new Date(ms).toISOString();
