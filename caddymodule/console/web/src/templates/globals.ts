import { apiPath, request } from "../api/client";
import { useData } from "../api/data";
import type { Json } from "../json/lossless";
import { globalsOf } from "./scope";

/** The globals of the server, by their keys; undefined until they are loaded. Those of secrets are masked. */
export function useGlobals(): ReadonlyMap<string, Json> | undefined {
  return useData(
    "templates/globals",
    async (signal) => globalsOf((await request("GET", apiPath(["globals"]), { signal })).text),
    (e) => e.kind === "global",
  ).value;
}
