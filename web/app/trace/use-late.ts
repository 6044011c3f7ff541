import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { Timeline } from "../api/types";
import type { TraceWindow } from "../api/windows";
import { nanosToMs } from "../lib/time";

const POLL_MS = 10_000;
/** Exporters send within seconds to minutes; later than this nothing is waited for. */
const YOUNG_MS = 10 * 60_000;

/** How many spans have come since the trace was loaded; asked for while it is young and in sight. */
export function useLateSpans(trace: Timeline, wanted: boolean): number {
  const [late, setLate] = useState(0);
  useEffect(() => {
    setLate(0);
    const end = nanosToMs(trace.start_time_unix_nano) + trace.duration_ns / 1e6;
    if (!wanted || Date.now() - end > YOUNG_MS) return;
    const controller = new AbortController();
    const timer = setInterval(() => {
      if (document.hidden) return;
      if (Date.now() - end > YOUNG_MS) clearInterval(timer);
      // A failed look is repeated by the next one.
      getJson<TraceWindow>(`/api/v1/traces/${trace.trace_id}/timeline`, { limit: 1 }, controller.signal).then((head) => setLate(Math.max(0, head.span_count - trace.span_count)), () => undefined);
    }, POLL_MS);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [trace, wanted]);
  return late;
}
