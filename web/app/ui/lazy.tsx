import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { ErrorState, Skeleton } from "./states";

/** A view whose code comes when it is opened. An old tab of a server since replaced is told to load again. */
export function lazyView<P extends object>(load: () => Promise<ComponentType<P>>): (props: P) => JSX.Element {
  let loaded: ComponentType<P> | null = null;
  return function Lazy(props: P): JSX.Element {
    const [View, setView] = useState<ComponentType<P> | null>(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (View) return;
      load().then(
        (found) => {
          loaded = found;
          setView(() => found);
        },
        () => setFailed(true),
      );
    }, [View]);
    if (failed) {
      const error = new ApiError(0, "ui", "this page's code did not come", "The server may have been replaced by another version: load the page again.", null, null);
      return <ErrorState error={error} retry={() => window.location.reload()} />;
    }
    return View ? <View {...props} /> : <main class="view"><Skeleton rowHeight={30} rows={12} /></main>;
  };
}
