// Parts of a screen whose code is loaded when they are first shown.
import type { ComponentChildren, ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Button } from "./controls";
import { Note, Skeleton } from "./show";

/**
 * Returns a component that loads its code when it is first shown. load must always give the same
 * one. until is shown meanwhile: null for a dialog, which takes no place on the page.
 */
export function lazily<P extends object>(
  load: () => Promise<ComponentType<P>>,
  until: ComponentChildren = <Skeleton lines={6} />,
): ComponentType<P> {
  let Loaded: ComponentType<P> | undefined;
  return function Lazily(props: P) {
    const [state, setState] = useState<"loading" | "shown" | "failed">(Loaded ? "shown" : "loading");
    useEffect(() => {
      if (Loaded) return;
      load().then(
        (found) => {
          Loaded = found;
          setState("shown");
        },
        () => setState("failed"),
      );
    }, []);
    if (Loaded) return <Loaded {...props} />;
    if (state === "loading") return <>{until}</>;
    return (
      <Note
        tone="bad"
        action={
          <Button small onClick={() => location.reload()}>
            Reload
          </Button>
        }
      >
        A part of the page could not be loaded. The server may have been upgraded. Save your changes first.
      </Note>
    );
  };
}
