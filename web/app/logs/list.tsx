import type { JSX, Ref } from "preact";
import { useMemo } from "preact/hooks";
import { useCharacterWidth } from "../lib/character";
import { count, leavesThisYear, useZone } from "../lib/format";
import { columnsThatFit, rowLayout, TIME_WIDTH } from "../lib/layout";
import { useListLook } from "../lib/listlook";
import { usePhone } from "../lib/prefs";
import { nanosToMs } from "../lib/time";
import { offsetsOf } from "../lib/window";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { ListHead } from "./head";
import { LogRow, PHONE_ROW_HEIGHT, ROOMY_ROW_HEIGHT, rowHeight, ROW_HEIGHT } from "./row";
import { keepScroll, keptScroll, MAX_ROWS, type LogRows } from "./use-logs";

interface Props {
  logs: LogRows;
  columns: string[];
  wrap: boolean;
  /** The panel stands beside the list. */
  narrow: boolean;
  width: number;
  pattern: RegExp | null;
  selectedId: string | null;
  keptKey: string;
  restored: boolean;
  handle: Ref<VirtualHandle>;
  /** Of the logs of a trace its start, from which their times are told. */
  since?: string;
  label?: string;
  onOpen: (index: number) => void;
  /** Told whether the end is in sight. */
  onScrolled?: (atEnd: boolean) => void;
  /** In the place of what is said of the last page. */
  footer?: JSX.Element | undefined;
}

/** Gutters and the scroll bar. */
const EDGES = 46;
const PHONE_EDGES = 30;

export function LogList({ logs, columns, wrap, narrow, width, pattern, selectedId, keptKey, restored, handle, since, label = "Log records", onOpen, onScrolled, footer }: Props): JSX.Element {
  const phone = usePhone();
  const zone = useZone();
  const character = useCharacterWidth();
  const { rows } = logs;
  const ends = [rows[0], rows.at(-1)].map((row) => row && nanosToMs(row.time_unix_nano));
  const withYear = leavesThisYear(ends, Date.now());
  const time = since === undefined ? (withYear ? TIME_WIDTH.year : TIME_WIDTH.day) : TIME_WIDTH.offset;
  const hasRows = rows.length > 0;
  const look = useListLook("logs");
  const roomy = !phone && look.density === "comfortable";
  const { shown, layout } = useMemo(() => {
    const measure = [rows, character, width - EDGES, time, narrow, look] as const;
    const fitting = phone ? columns.filter((name) => name === "level" || name === "service") : columnsThatFit(columns, ...measure);
    return { shown: fitting, layout: rowLayout(fitting, ...measure) };
  }, [columns.join(), hasRows, keptKey, character, width, time, narrow, phone, look]);
  const fit = phone ? Math.max(10, Math.floor((width - PHONE_EDGES) / character)) : layout.fit;
  const offsets = useMemo(() => (wrap ? offsetsOf(rows.length, (index) => (rows[index] ? rowHeight(rows[index], fit, phone, roomy) : 0)) : null), [wrap, rows, fit, phone, roomy]);
  return (
    <div class={roomy ? "log-frame log-roomy" : "log-frame"} style={{ "--columns": layout.template }}>
      {!phone && <ListHead shown={shown} columns={columns} characterPx={character} />}
      <VirtualList
        handle={handle}
        class={`log-list${logs.loading && !logs.partial ? " stale" : ""}`}
        role="listbox"
        label={label}
        count={rows.length}
        rowHeight={phone ? PHONE_ROW_HEIGHT : roomy ? ROOMY_ROW_HEIGHT : ROW_HEIGHT}
        offsets={offsets}
        initialScroll={restored ? keptScroll(keptKey) : 0}
        onScroll={(top, atEnd) => {
          keepScroll(keptKey, top);
          onScrolled?.(atEnd);
        }}
        onEnd={logs.loadMore}
        activeId={selectedId ? `log-${selectedId}` : undefined}
        footer={footer ?? <ListEnd rows={rows.length} hasMore={logs.hasMore || logs.partial} failed={logs.error !== null} />}
        renderRow={(index) => {
          const row = rows[index];
          return row && <LogRow key={row.id} id={`log-${row.id}`} log={row} selected={row.id === selectedId} pattern={pattern} zone={zone} withYear={withYear} since={since} columns={shown} wrap={wrap} fit={fit} onOpen={() => onOpen(index)} />;
        }}
      />
    </div>
  );
}

function ListEnd({ rows, hasMore, failed }: { rows: number; hasMore: boolean; failed: boolean }): JSX.Element {
  if (failed) return <p class="list-end">The next page did not come. Search again to retry.</p>;
  if (hasMore) return <p class="list-end">Loading more…</p>;
  if (rows >= MAX_ROWS) return <p class="list-end">The first {count(rows)} records. Narrow the search to see others.</p>;
  return <p class="list-end">End of results</p>;
}
