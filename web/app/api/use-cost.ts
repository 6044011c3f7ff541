import { useEffect, useState } from "preact/hooks";
import { isCheapToPlan } from "../lib/cost";
import type { Range } from "../lib/time";
import { getJson } from "./client";
import type { Explained, RunningPage } from "./types";
import { useApi, type Loaded } from "./use";

/** Not at every key: what is typed is planned once it is left alone. */
const DELAY_MS = 400;

export interface LoadedCost extends Loaded<Explained> {
  /** The text that the answer is about. */
  about: string;
}

/** What the text of a search would read, before it is run; nothing is asked without a table. */
export function useCost(table: "logs" | "spans" | null, text: string, { start, end }: Range): LoadedCost {
  const [about, setAbout] = useState(text);
  useEffect(() => {
    if (text === about) return;
    const timer = setTimeout(() => setAbout(text), DELAY_MS);
    return () => clearTimeout(timer);
  }, [text, about]);
  const key = table !== null && isCheapToPlan(about) ? JSON.stringify(["cost", table, about, start, end]) : null;
  const found = useApi<Explained>(key, (signal) => getJson("/api/v1/explain", { table, query: about, start, end }, signal));
  return { ...found, data: key === null ? null : found.data, about };
}

const AFTER_MS = 700;
const EVERY_MS = 1000;

export interface Progress {
  waiting: boolean;
  bytes: number;
  rows: number;
}

/** How far the server is with a search that takes a while; null where nobody knows. */
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
      const own = page.queries.find((each) => each.kind === kind && each.query === query);
      if (own) setProgress({ waiting: own.state === "waiting", bytes: own.bytes_read, rows: own.rows_read });
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
