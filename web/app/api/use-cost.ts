import { useEffect, useState } from "preact/hooks";
import { isCheapToPlan } from "../lib/cost";
import type { Range } from "../lib/time";
import { getJson } from "./client";
import type { Explained } from "./types";
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
