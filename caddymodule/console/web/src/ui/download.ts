// Files for the user: always as bytes without a type, so that no browser opens what others have written.

/** Offers text as a file. The name is made safe. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = fileName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/**
 * Makes a name that every file system takes: of anything else than letters, digits, ".", "_" and
 * "-", one "-".
 */
export function fileName(name: string): string {
  const safe = name
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .replace(/^[.-]+/, "")
    .slice(0, 120);
  return safe || "value";
}
