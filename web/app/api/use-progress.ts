import { useEffect, useState } from "preact/hooks";
import { ownOf, type Progress, type RunningPage } from "../lib/progress";
import { getJson } from "./client";

/** What is answered sooner says nothing on the way. */
const AFTER_MS = 700;
const EVERY_MS = 1000;

/** How far the server is with what a page asked and waits for; null where nobody knows. `query`: its text, empty where it has none. */
export function useProgress(kind: string, query: string, running: boolean): Progress | null {
  const [progress, setProgress] = useState<Progress | null>(null);
  useEffect(() => {
    setProgress(null);
    if (!running) return;
    const controller = new AbortController();
    let timer = 0;
    const look = async (): Promise<void> => {
      // A courtesy: who may not list what runs waits without it.
      const page = await getJson<RunningPage>("/api/v1/queries", {}, controller.signal).catch(() => null);
      if (controller.signal.aborted || !page) return;
      const own = ownOf(page, kind, query);
      if (own) setProgress(own);
      timer = window.setTimeout(() => void look(), EVERY_MS);
    };
    timer = window.setTimeout(() => void look(), AFTER_MS);
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [kind, query, running]);
  return progress;
}
