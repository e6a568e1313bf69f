// Loads parts.ts, and the styles that only it needs. The page names their file.
import type * as Parts from "./parts";

let loading: Promise<typeof Parts> | undefined;

/** Loads the parts once. After a failure the next call tries again. */
export function parts(): Promise<typeof Parts> {
  loading ??= Promise.all([import("./parts"), styles()]).then(([loaded]) => loaded);
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

function styles(): Promise<void> {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = document.querySelector<HTMLMetaElement>('meta[name="parts.css"]')?.content ?? "";
  return new Promise((done, failed) => {
    link.onload = () => done();
    link.onerror = () => {
      link.remove();
      failed(new Error("the styles could not be loaded"));
    };
    document.head.append(link);
  });
}
