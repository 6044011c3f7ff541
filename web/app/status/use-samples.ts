import { useEffect, useState } from "preact/hooks";
import { authStore, getText, type ApiError } from "../api/client";
import { asApiError } from "../api/use";
import { parseMetrics, total, type Metrics } from "../lib/metrics";
import { useStore } from "../lib/store";

const EVERY_MS = 3000;
const KEPT = 100;

interface Sample {
  atMs: number;
  metrics: Metrics;
}

export interface Samples {
  all: Sample[];
  error: ApiError | null;
  retry: () => void;
  /** Of a counter, per second, between each two samples; a restart counts from zero. */
  rates: (name: string, where: Record<string, string>) => number[];
}

/** /metrics, read again and again while the page is open and in sight. */
export function useSamples(): Samples {
  const [all, setAll] = useState<Sample[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const [attempt, setAttempt] = useState(0);
  const { generation } = useStore(authStore);
  useEffect(() => {
    const controller = new AbortController();
    const read = (): void => {
      if (document.hidden) return;
      getText("/metrics", controller.signal).then(
        (text) => {
          setAll((before) => [...before, { atMs: Date.now(), metrics: parseMetrics(text) }].slice(-KEPT));
          setError(null);
        },
        (cause: unknown) => {
          if (!controller.signal.aborted) setError(asApiError(cause));
        },
      );
    };
    read();
    const timer = setInterval(read, EVERY_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [generation, attempt]);
  return {
    all,
    error,
    retry: () => setAttempt((n) => n + 1),
    rates: (name, where) =>
      all.slice(1).map((sample, at) => {
        const before = all[at];
        const now = total(sample.metrics, name, where) ?? 0;
        const then = before ? (total(before.metrics, name, where) ?? 0) : now;
        const seconds = before ? (sample.atMs - before.atMs) / 1000 : 1;
        return Math.max(0, now >= then ? now - then : now) / Math.max(0.001, seconds);
      }),
  };
}
