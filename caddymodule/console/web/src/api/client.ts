import type { Problem } from "./types";

/** A response with a status of 400 or above, or status 0 when no server answered. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly problems: Problem[] = [],
    readonly body: string = "",
  ) {
    super(message);
  }
}

export interface Reply {
  status: number;
  /** The body as text. */
  text: string;
  /** The stored revision, from the ETag; 0 = none. */
  revision: number;
}

export interface Options {
  /** JSON text. */
  body?: string;
  /**
   * The revision that a write expects: it fails with 412 if another is stored. 0 = nothing may be
   * stored yet.
   */
  ifRevision?: number;
  signal?: AbortSignal;
}

let clockOffset = 0;
/**
 * The server's time, in milliseconds: this machine's clock may be wrong. Whole seconds, as the Date
 * header is.
 */
export const serverNow = (): number => Date.now() + clockOffset;

/** Makes a path of the API with a query. Empty and undefined parameters are left out. */
export function apiPath(
  segments: readonly string[],
  query: Record<string, string | number | undefined> = {},
): string {
  const q = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") q.set(name, String(value));
  const search = q.toString();
  return "flowtrux/" + segments.map(encodeURIComponent).join("/") + (search && "?" + search);
}

/**
 * The address of a path. Browsers fetch none with a user and password, which the page's own may have:
 * https://alice:…@edge.example.com/console/.
 */
export const addressOf = (path: string): string => new URL(path, location.origin + location.pathname).href;

/** Sends a request relative to the page. Throws an ApiError. */
export async function request(method: string, path: string, options: Options = {}): Promise<Reply> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.ifRevision === 0) headers["If-None-Match"] = "*";
  else if (options.ifRevision !== undefined) headers["If-Match"] = `"${options.ifRevision}"`;
  let response: Response;
  let body: string;
  try {
    response = await fetch(addressOf(path), {
      method,
      headers,
      body: options.body,
      signal: options.signal,
      cache: "no-store",
    });
    body = await response.text();
  } catch (e) {
    if (options.signal?.aborted) throw e;
    throw new ApiError(0, "The server does not answer. This page tries again by itself.");
  }
  const date = Date.parse(response.headers.get("Date") ?? "");
  if (!Number.isNaN(date) && Math.abs(date - serverNow()) > 2000) clockOffset = date - Date.now();
  if (!response.ok) throw problem(response.status, body);
  return { status: response.status, text: body, revision: revisionOf(response.headers.get("ETag")) };
}

// Encoders and proxies mark the tags of what they compress: "7-gzip", W/"7".
const revisionOf = (etag: string | null): number =>
  Number(/^(?:W\/)?"(\d+)(?:-[\w-]+)?"$/.exec(etag ?? "")?.[1] ?? 0);

function problem(status: number, body: string): ApiError {
  let message = `The server answered with status ${status}.`;
  let problems: Problem[] = [];
  try {
    const parsed = JSON.parse(body) as { error?: unknown; problems?: Problem[] };
    if (typeof parsed.error === "string") message = parsed.error;
    if (Array.isArray(parsed.problems)) problems = parsed.problems;
  } catch {
    // A proxy's page is no reason of ours.
  }
  return new ApiError(status, message, problems, body);
}

/** Gets JSON. Numbers in it are rounded as JavaScript's are: payloads must come as text inside it. */
export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return JSON.parse((await request("GET", path, { signal })).text) as T;
}

/** Posts JSON, or nothing, and returns the JSON of the response. */
export async function postJson<T>(path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const { text } = await request("POST", path, { body: sent, signal });
  return (text ? JSON.parse(text) : undefined) as T;
}
