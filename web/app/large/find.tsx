import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import { useApi } from "../api/use";
import { setParams, usePlace } from "../lib/router";
import { findStatement, foundOf, unknownField, type FoundSpan } from "../lib/spansql";
import { FindBox, turned } from "../trace/find";
import type { LargeState } from "./use-large";

/** Matches that can be gone through; the count says so when there are more. */
const MOST_FOUND = 1000;
const REST_MS = 300;

export interface Finding {
  text: string;
  found: FoundSpan[];
  hasMore: boolean;
  loading: boolean;
  /** Why nothing can be found. */
  problem: string | null;
  /** The place of the chosen span among them, or -1. */
  at: number;
  go: (by: 1 | -1) => void;
  set: (text: string) => void;
  /** Looks for something and goes to the first, or to the next if it was looked for already. */
  seek: (text: string) => void;
}

/** The search within a large trace: the server looks, the page goes from one to the next. */
export function useFind(state: LargeState): Finding {
  const text = usePlace().params.get("find") ?? "";
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const unknown = unknownField(rested);
  const statement = unknown ? null : findStatement(state.head.trace_id, rested, MOST_FOUND);
  const answer = useApi<SqlAnswer>(statement, (signal) => postJson("/api/v1/sql", { query: statement }, signal));
  const all = statement === null || answer.loading ? [] : (answer.data?.rows ?? []).map(foundOf);
  const found = all.slice(0, MOST_FOUND);
  const [at, setAt] = useState(-1);
  useEffect(() => setAt(-1), [rested]);
  const loading = answer.loading || rested !== text;
  const go = (by: 1 | -1): void => {
    if (found.length === 0) return;
    const next = turned(at, by, found.length);
    const span = found[next];
    setAt(next);
    const start = BigInt(state.head.start_time_unix_nano);
    if (span) void state.goTo({ span_id: span.span_id, offset: Number(span.start - start) }).catch(() => undefined);
  };
  const sought = useRef<string | null>(null);
  useEffect(() => {
    if (loading || sought.current !== text) return;
    sought.current = null;
    go(1);
  }, [loading, text]);
  return {
    text,
    found,
    hasMore: all.length > MOST_FOUND,
    loading,
    problem: unknown ? `${unknown} is not known of a trace of this size` : problemOf(answer.error),
    at,
    go,
    set: (next) => setParams({ find: next }, "replace"),
    seek: (next) => {
      if (next === text) return go(1);
      sought.current = next;
      setParams({ find: next }, "replace");
    },
  };
}

const problemOf = (error: ApiError | null): string | null => (error ? error.message : null);

export function FindField({ finding }: { finding: Finding }): JSX.Element {
  return <FindBox text={finding.text} found={finding.loading ? null : finding.found.length} hasMore={finding.hasMore} at={finding.at} problem={finding.problem} onText={finding.set} onGo={finding.go} />;
}
