import type { JSX } from "preact";
import type { WindowRow } from "../api/windows";
import { usePlace } from "../lib/router";
import { NoLogs, reachOf, TraceLogList } from "../trace/loglist";
import { ErrorState, Incomplete, Skeleton } from "../ui/states";
import { useLargeLogs } from "./use-logs";
import type { LargeState } from "./use-large";

interface Props {
  state: LargeState;
  /** The chosen one. */
  row: WindowRow | null;
  /** How many the trace has; null until that is known. */
  total: number | null;
}

/** The log records of a large trace: of all of it, or of a span and what is below it. */
export function LargeLogs({ state, row, total }: Props): JSX.Element {
  const { params } = usePlace();
  const { head } = state;
  const span = row?.similar ? null : row;
  const reach = reachOf(params, span !== null);
  const logs = useLargeLogs(head.trace_id, reach, span);
  if (logs.error && logs.rows.length === 0) return <ErrorState error={logs.error} retry={logs.retry} />;
  if (logs.loading && logs.rows.length === 0) return <Skeleton />;
  if (reach === "trace" && logs.rows.length === 0) return <NoLogs />;
  const isAll = !logs.loading && !logs.hasMore;
  return (
    <Incomplete answers={[logs.page]}>
      <TraceLogList
        traceId={head.trace_id}
        since={head.start_time_unix_nano}
        logs={logs}
        reach={reach}
        hasSpan={span !== null}
        number={reach === "trace" ? total : isAll ? logs.rows.length : null}
        note={reach !== "trace" && !isAll ? "The first records; more come as you scroll" : ""}
        end="End of the logs"
      />
    </Incomplete>
  );
}
