import { useEffect, useState } from "preact/hooks";
import { getJson, type ApiError } from "../api/client";
import type { Answer, SpanHistogram } from "../api/types";
import { asApiError } from "../api/use";
import { bandClause, bandOf, bandsFrom } from "../lib/bands";
import type { Search } from "../lib/search";
import { narrowed } from "../lib/template";

const BUCKETS = 60;
const PHONE_BUCKETS = 30;
/** Bands that are asked for at the same time. */
const AT_ONCE = 3;

export interface HeatBand {
  spans: number[];
  errors: number[];
}

export interface Heatmap {
  /** Of all spans that match; its buckets are those of every band. */
  all: SpanHistogram | null;
  /** Those that have come, by number. */
  bands: ReadonlyMap<number, HeatBand>;
  /** All spans have been found in some band, or all bands have been asked. */
  done: boolean;
  answers: Answer[];
  error: ApiError | null;
}

const NOTHING: Heatmap = { all: null, bands: new Map(), done: false, answers: [], error: null };

/**
 * Spans by time and duration: one histogram for each band of durations, from the middle outwards, until every span
 * that matches has been found.
 */
export function useHeatmap(query: string | null, search: Search, phone: boolean): Heatmap & { retry: () => void } {
  const [state, setState] = useState(NOTHING);
  const [attempt, setAttempt] = useState(0);
  const key = query === null ? null : `${query} ${search.key} ${phone} ${attempt}`;
  useEffect(() => {
    setState(NOTHING);
    if (query === null) return;
    const controller = new AbortController();
    const { signal } = controller;
    const ask = (text: string, start: string | null, end: string | null): Promise<SpanHistogram> =>
      getJson("/api/v1/spans/histogram", { query: text, start, end, buckets: phone ? PHONE_BUCKETS : BUCKETS }, signal);
    const run = async (): Promise<void> => {
      const all = await ask(query, search.fixed.start, search.fixed.end);
      setState({ ...NOTHING, all, done: all.total === 0, answers: [all] });
      if (all.total === 0) return;
      const waiting = bandsFrom(bandOf(middle(all)));
      let found = 0;
      const next = async (): Promise<void> => {
        for (let band = waiting.shift(); band !== undefined && found < all.total; band = waiting.shift()) {
          // With the same limits the buckets are the same, also where nothing is.
          const answer = await ask(narrowed(query, bandClause(band, band), false), all.start_unix_nano, all.end_unix_nano);
          found += answer.total;
          const series = answer.series[0];
          const number = band;
          if (series && answer.total > 0 && answer.bucket_ns === all.bucket_ns) {
            const shift = Math.round(Number(BigInt(answer.start_unix_nano) - BigInt(all.start_unix_nano)) / all.bucket_ns);
            const laid = (values: number[]): number[] => Array.from({ length: bucketsOf(all) }, (_, at) => values[at - shift] ?? 0);
            setState((last) => ({ ...last, bands: new Map([...last.bands, [number, { spans: laid(series.span_count), errors: laid(series.error_count) }]]), answers: [...last.answers, answer] }));
          }
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, next));
      setState((last) => ({ ...last, done: true }));
    };
    run().catch((cause: unknown) => {
      if (!signal.aborted) setState((last) => ({ ...last, error: asApiError(cause) }));
      controller.abort();
    });
    return () => controller.abort();
  }, [key]);
  return { ...state, retry: () => setAttempt(attempt + 1) };
}

export const bucketsOf = (all: SpanHistogram): number => all.series[0]?.span_count.length ?? 0;

/** About the median of all: that of the buckets' medians. */
function middle(all: SpanHistogram): number {
  const medians = (all.series[0]?.p50_ns ?? []).flatMap((value) => value ?? []).sort((a, b) => a - b);
  return medians[Math.floor(medians.length / 2)] ?? 0;
}
