import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { count } from "../lib/format";
import { useKeys } from "../lib/keys";
import { filterText } from "../lib/query";
import { href, navigate, setParams, usePlace } from "../lib/router";
import { useSize } from "../lib/size";
import { ColumnsMenu, setColumns, useColumns } from "../logs/columns";
import { LogList } from "../logs/list";
import { LogPanel } from "../logs/panel";
import type { LogRows } from "../logs/use-logs";
import { setWrap, useWrap, WrapButton } from "../logs/wrap";
import type { FilterAction } from "../ui/attributes";
import { EmptyState } from "../ui/states";
import type { VirtualHandle } from "../ui/virtual";

/** Of which spans log records are shown: all, the chosen one and those below it, or that alone. */
export type Reach = "trace" | "subtree" | "span";

/** What the address says of that; without a chosen span it can only be the trace. */
export function reachOf(params: URLSearchParams, hasSpan: boolean): Reach {
  const wanted = params.get("logs");
  return hasSpan && (wanted === "span" || wanted === "subtree") ? wanted : "trace";
}

interface Props {
  traceId: string;
  /** When the trace started: times are told from there. */
  since: string;
  /** Those in reach. */
  logs: LogRows;
  reach: Reach;
  hasSpan: boolean;
  /** How many there are; null where that is not known. */
  number: number | null;
  /** After the number. */
  note: string;
  /** Below the last record. */
  end: string;
}

/** Log records of a trace of any size, as those of a search are shown, with their distance from its start. */
export function TraceLogList({ traceId, since, logs, reach, hasSpan, number, note, end }: Props): JSX.Element {
  const { params } = usePlace();
  const list = useRef<VirtualHandle>(null);
  const main = useRef<HTMLDivElement>(null);
  const { width } = useSize(main);
  const columns = useColumns();
  const wrap = useWrap();
  const { rows } = logs;
  const selected = rows.findIndex((row) => row.id === params.get("log"));
  const record = rows[selected];
  const open = (index: number): void => {
    const row = rows[index];
    setParams({ log: row ? row.id : null }, "replace");
    if (row) list.current?.show(index);
  };
  const step = (by: 1 | -1): void => open(selected === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, selected + by)));
  useKeys({ j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1), w: () => setWrap(!wrap), Escape: () => open(-1) });
  const filter: FilterAction = {
    query: "",
    toggle: (field, value, exclude) => navigate(href("/logs", { q: `trace_id:${traceId} ${filterText(field, value, exclude)}`, order: "asc" })),
    column: { has: (name) => columns.includes(name), toggle: (name) => setColumns(columns.includes(name) ? columns.filter((other) => other !== name) : [...columns, name]) },
  };
  return (
    <div class="split">
      <div class="split-main" ref={main}>
        <div class="summary">
          <span>
            {number !== null && (
              <>
                <b>{count(number)}</b> {number === 1 ? "record" : "records"}
              </>
            )}
            {note && <span class="muted">{note}</span>}
          </span>
          {hasSpan && <ReachChoice reach={reach} />}
          <span class="summary-end">
            <WrapButton wrap={wrap} />
            <span class="hide-phone">
              <ColumnsMenu columns={columns} />
            </span>
            <a class="text-button" href={href("/logs", { q: `trace_id:${traceId}`, order: "asc" })}>
              Open in Logs
            </a>
          </span>
        </div>
        {rows.length === 0 && !logs.loading ? (
          <EmptyState title={reach === "span" ? "No logs of this span" : "No logs of this span and what is below it"}>
            <div class="state-actions">
              <button type="button" class="button" onClick={() => setReach("trace")}>
                Those of the trace
              </button>
            </div>
          </EmptyState>
        ) : (
          <LogList
            key={reach}
            logs={logs}
            columns={columns}
            wrap={wrap}
            narrow={record !== undefined}
            width={width}
            pattern={null}
            selectedId={record?.id ?? null}
            keptKey={`trace ${traceId} ${reach}`}
            restored={false}
            handle={list}
            since={since}
            label="Log records of this trace"
            onOpen={open}
            footer={logs.hasMore || logs.error ? undefined : <p class="list-end">{end}</p>}
          />
        )}
      </div>
      {record && <LogPanel key={record.id} log={record} pattern={null} filter={filter} withTrace={false} onClose={() => open(-1)} onStep={step} />}
    </div>
  );
}

export function NoLogs(): JSX.Element {
  return (
    <EmptyState title="No logs in this trace">
      <p>Log records belong to a trace when they carry its trace id.</p>
    </EmptyState>
  );
}

const REACHES: readonly [Reach, string][] = [
  ["trace", "Trace"],
  ["subtree", "Subtree"],
  ["span", "Span"],
];

const setReach = (reach: Reach): void => setParams({ logs: reach === "trace" ? null : reach, log: null }, "replace");

function ReachChoice({ reach }: { reach: Reach }): JSX.Element {
  return (
    <span class="segmented" role="group" aria-label="Logs of">
      {REACHES.map(([value, label]) => (
        <button key={value} type="button" aria-pressed={reach === value} onClick={() => setReach(value)}>
          {label}
        </button>
      ))}
    </span>
  );
}
