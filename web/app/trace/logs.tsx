import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import type { ApiError } from "../api/client";
import type { LogRecord } from "../api/types";
import { count, duration, useZone } from "../lib/format";
import { useKeys } from "../lib/keys";
import { usePhone } from "../lib/prefs";
import { href, setParams, usePlace } from "../lib/router";
import { LogPanel } from "../logs/panel";
import { oneLine, PHONE_ROW_HEIGHT, ROW_HEIGHT } from "../logs/row";
import { LevelBadge } from "../ui/level";
import { ServiceName } from "../ui/service";
import { EmptyState, ErrorState, Skeleton } from "../ui/states";
import { timeTitle } from "../ui/time";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import type { TraceState } from "./use-view";

interface Props {
  state: TraceState;
  logs: LogRecord[];
  total: number;
  loading: boolean;
  error: ApiError | null;
  retry: () => void;
}

type Reach = "trace" | "subtree" | "span";

/** The trace's log records in order, with their distance from its start. */
export function TraceLogs({ state, logs, total, loading, error, retry }: Props): JSX.Element {
  const { params } = usePlace();
  const phone = usePhone();
  const zone = useZone();
  const list = useRef<VirtualHandle>(null);
  const wanted = params.get("logs");
  const reach: Reach = state.selected >= 0 && (wanted === "span" || wanted === "subtree") ? wanted : "trace";
  const rows = useMemo(() => inReach(state, logs, reach), [state.selected, logs, reach]);
  const selected = rows.findIndex((row) => row.id === params.get("log"));
  const open = (index: number): void => {
    const row = rows[index];
    setParams({ log: row ? row.id : null }, "replace");
    if (row) list.current?.show(index);
  };
  const step = (by: 1 | -1): void => open(selected === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, selected + by)));
  useKeys({ j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), Escape: () => open(-1) });

  if (error) return <ErrorState error={error} retry={retry} />;
  if (loading && logs.length === 0) return <Skeleton />;
  if (logs.length === 0) {
    return (
      <EmptyState title="No logs in this trace">
        <p>Log records belong to a trace when they carry its trace id.</p>
      </EmptyState>
    );
  }
  const start = BigInt(state.trace.start_time_unix_nano);
  const record = rows[selected];
  return (
    <div class="split">
      <div class="split-main">
        <ReachBar state={state} reach={reach} shown={rows.length} loaded={logs.length} total={total} />
        <VirtualList
          key={reach}
          handle={list}
          class="log-list trace-log-list"
          role="listbox"
          label="Log records of this trace"
          count={rows.length}
          rowHeight={phone ? PHONE_ROW_HEIGHT : ROW_HEIGHT}
          renderRow={(index) => {
            const row = rows[index];
            return (
              row && (
                <div key={row.id} class={`log-row row-${row.level}`} role="option" aria-selected={index === selected} onClick={() => open(index)}>
                  <time class="log-time number" title={timeTitle(row.time_unix_nano, zone, Number(BigInt(row.time_unix_nano) - start))}>
                    +{duration(Number(BigInt(row.time_unix_nano) - start)).replace("+−", "−")}
                  </time>
                  <LevelBadge level={row.level} />
                  <ServiceName name={row.service_name} />
                  <span class="log-body">{oneLine(row)}</span>
                </div>
              )
            );
          }}
        />
      </div>
      {record && <LogPanel key={record.id} log={record} pattern={null} filter={null} withTrace={false} onClose={() => open(-1)} onStep={step} />}
    </div>
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

interface ReachProps {
  state: TraceState;
  reach: Reach;
  shown: number;
  loaded: number;
  total: number;
}

function ReachBar({ state, reach, shown, loaded, total }: ReachProps): JSX.Element {
  const span = state.trace.spans[state.selected];
  const option = (value: Reach, label: string): JSX.Element => (
    <button type="button" aria-pressed={reach === value} onClick={() => setParams({ logs: value === "trace" ? null : value, log: null }, "replace")}>
      {label}
    </button>
  );
  return (
    <div class="summary">
      <span>
        <b>{count(shown)}</b> {shown === 1 ? "record" : "records"}
        {loaded < total && <span class="muted"> of the first {count(loaded)}, {count(total)} in all</span>}
      </span>
      {span && (
        <span class="segmented" role="group" aria-label="Logs of">
          {option("trace", "Trace")}
          {option("subtree", "Subtree")}
          {option("span", "Span")}
        </span>
      )}
      <span class="summary-end">
        <a class="text-button" href={href("/logs", { q: `trace_id:${state.trace.trace_id}`, order: "asc" })}>
          Open in Logs
        </a>
      </span>
    </div>
  );
}
