import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { ApiError } from "../api/client";
import type { LogRecord } from "../api/types";
import { count } from "../lib/format";
import { usePlace } from "../lib/router";
import { listed } from "../logs/use-logs";
import { ErrorState, Skeleton } from "../ui/states";
import { NoLogs, reachOf, TraceLogList, type Reach } from "./loglist";
import type { TraceState } from "./use-view";

interface Props {
  state: TraceState;
  logs: LogRecord[];
  total: number;
  loading: boolean;
  error: ApiError | null;
  retry: () => void;
}

/** The log records of a trace that is in the page as a whole. */
export function TraceLogs({ state, logs, total, loading, error, retry }: Props): JSX.Element {
  const { params } = usePlace();
  const hasSpan = state.trace.spans[state.selected] !== undefined;
  const reach = reachOf(params, hasSpan);
  const rows = useMemo(() => inReach(state, logs, reach), [state.selected, logs, reach]);
  if (error) return <ErrorState error={error} retry={retry} />;
  if (loading && logs.length === 0) return <Skeleton />;
  if (logs.length === 0) return <NoLogs />;
  const isPart = logs.length < total;
  return (
    <TraceLogList
      traceId={state.trace.trace_id}
      since={state.trace.start_time_unix_nano}
      logs={listed(rows)}
      reach={reach}
      hasSpan={hasSpan}
      number={rows.length}
      note={isPart ? ` of the first ${count(logs.length)}, ${count(total)} in all` : ""}
      end={isPart ? `Of the first ${count(logs.length)} records of the trace` : "End of the logs"}
    />
  );
}

function inReach(state: TraceState, logs: LogRecord[], reach: Reach): LogRecord[] {
  const { spans } = state.trace;
  const span = spans[state.selected];
  if (reach === "trace" || !span) return logs;
  const last = reach === "span" ? state.selected : state.selected + span.descendant_count;
  const ids = new Set(spans.slice(state.selected, last + 1).map((each) => each.span_id));
  return logs.filter((log) => log.span_id !== null && ids.has(log.span_id));
}
