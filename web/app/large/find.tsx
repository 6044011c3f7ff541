import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import { useApi } from "../api/use";
import type { FoundSpans } from "../api/windows";
import { serverFind, unknownField } from "../lib/find";
import { setParams, usePlace } from "../lib/router";
import { FindBox, OnlyFound } from "../trace/find";
import type { Located } from "./use-windows";
import type { LargeState } from "./use-large";

const REST_MS = 300;

export interface Finding {
  text: string;
  /** How many spans match; null while that is not known. */
  total: number | null;
  /** Why nothing can be found. */
  problem: string | null;
  /** The place of the chosen span among them, or -1. */
  at: number;
  go: (by: 1 | -1) => void;
  set: (text: string) => void;
  /** Looks for something and goes to the first, or to the next if it was looked for already. */
  seek: (text: string) => void;
}

/** What is looked for in a trace, once somebody has stopped typing. */
export interface Sought {
  /** As it stands in the field, and as it stood when the last key had rested. */
  text: string;
  rested: string;
  /** In the server's language; null where nothing can be asked. */
  query: string | null;
  /** A field that the server does not know. */
  unknown: string | null;
}

export function useSought(): Sought {
  const text = usePlace().params.get("find") ?? "";
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const unknown = unknownField(rested);
  return { text, rested, unknown, query: unknown ? null : serverFind(rested) };
}

/** The search within a large trace: the server looks and counts, and says which span comes next, of all that match. */
export function useFind(state: LargeState, { text, rested, query, unknown }: Sought): Finding {
  const { head, selected } = state;
  const answer = useApi<FoundSpans>(query === null ? null : `find ${head.trace_id} ${head.span_count} ${query}`, (signal) => getJson(`/api/v1/traces/${head.trace_id}/timeline/find`, { query, limit: 1 }, signal));
  const [found, setFound] = useState<Located | null>(null);
  useEffect(() => setFound(null), [rested]);
  const loading = answer.loading || rested !== text;
  const total = query === null || loading ? null : (answer.data?.matched_spans ?? null);
  const going = useRef(false);
  const go = (by: 1 | -1): void => {
    if (query === null || !total || going.current) return;
    going.current = true;
    void step(state, query, by)
      .then(setFound)
      .catch(() => undefined)
      .finally(() => (going.current = false));
  };
  const sought = useRef<string | null>(null);
  useEffect(() => {
    if (loading || sought.current !== text) return;
    sought.current = null;
    go(1);
  }, [loading, text]);
  return {
    text,
    total,
    problem: unknown ? `${unknown} is not known of a trace of this size` : (answer.error?.message ?? null),
    at: found && found.row.span_index === selected ? found.at : -1,
    go,
    set: (next) => setParams({ find: next }, "replace"),
    seek: (next) => {
      if (next === text) return go(1);
      sought.current = next;
      setParams({ find: next }, "replace");
    },
  };
}

/** The next match from where somebody is, round to the first or the last. */
async function step({ head, selected, goTo }: LargeState, query: string, by: 1 | -1): Promise<Located | null> {
  const from = selected < 0 ? null : selected;
  const last = { query, before: head.span_count };
  if (by > 0) return (await goTo({ query, after: from })) ?? (from === null ? null : await goTo({ query }));
  return (from === null ? null : await goTo({ query, before: from })) ?? goTo(last);
}

export function FindField({ state, finding }: { state: LargeState; finding: Finding }): JSX.Element {
  return (
    <>
      {state.canHide && <OnlyFound on={state.onlyFound} onToggle={state.toggleOnly} />}
      <FindBox text={finding.text} found={finding.total} at={finding.at} problem={finding.problem} onText={finding.set} onGo={finding.go} />
    </>
  );
}
