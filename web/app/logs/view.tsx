import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import { getJson } from "../api/client";
import type { Histogram } from "../api/types";
import { useApi } from "../api/use";
import { count, leavesThisYear, useZone } from "../lib/format";
import { useKeys } from "../lib/keys";
import { usePhone } from "../lib/prefs";
import { hasFilter, matchTerms, termPattern } from "../lib/query";
import { href, navigate, setParams, usePlace } from "../lib/router";
import { shareLink, useSearch } from "../lib/search";
import { nanosToMs, rangeAround } from "../lib/time";
import { useSize } from "../lib/size";
import { NoResults } from "../ui/noresults";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { QueryBar } from "../ui/querybar";
import { ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { LevelHistogram } from "./histogram";
import { LogPanel } from "./panel";
import { LogRow, PHONE_ROW_HEIGHT, ROW_HEIGHT } from "./row";
import { keepScroll, keptScroll, MAX_ROWS, useLogs } from "./use-logs";

const BUCKETS = 120;
/** Of the monospaced face at 12 px, about; and what time, level and service take of a row. */
const CHARACTER = 7.25;
const OTHER_COLUMNS = 51;

export function LogsView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const phone = usePhone();
  const zone = useZone();
  const order = params.get("order") === "asc" ? "asc" : "desc";
  const key = `${search.key}|${order}`;
  const keptKey = JSON.stringify([search.query, search.range, order]);
  const list = useRef<VirtualHandle>(null);
  const logs = useLogs(key, keptKey, { query: search.query, range: search.fixed, order }, search.restored);
  const histogram = useApi<Histogram>(search.key, (signal) =>
    getJson("/api/v1/logs/histogram", { query: search.query, start: search.fixed.start, end: search.fixed.end, buckets: phone ? 50 : BUCKETS, by: "level" }, signal),
  );
  const pattern = useMemo(() => termPattern(matchTerms(search.query)), [search.query]);

  const main = useRef<HTMLDivElement>(null);
  const { width } = useSize(main);
  const fit = Math.floor((phone ? width - 24 : width - 32 - 36) / CHARACTER) - (phone ? 0 : OTHER_COLUMNS);
  const ends = [logs.rows[0], logs.rows.at(-1)].map((row) => row && nanosToMs(row.time_unix_nano));
  const withYear = leavesThisYear(ends, Date.now());
  const selectedId = params.get("sel");
  const selectedIndex = useMemo(() => (selectedId ? logs.rows.findIndex((row) => row.id === selectedId) : -1), [logs.rows, selectedId]);
  const selected = logs.rows[selectedIndex];
  const open = (index: number): void => {
    const row = logs.rows[index];
    if (!row) return;
    setParams({ sel: row.id }, "replace");
    list.current?.show(index);
  };
  const step = (by: 1 | -1): void => open(selectedIndex === -1 ? 0 : Math.min(logs.rows.length - 1, Math.max(0, selectedIndex + by)));
  const openTrace = (): void => {
    if (selected?.trace_id) navigate(href(`/trace/${selected.trace_id}`, { span: selected.span_id }));
    else if (selectedIndex === -1) open(0);
  };
  useKeys({
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    Enter: openTrace,
    o: openTrace,
    Escape: () => setParams({ sel: null }, "replace"),
  });

  const filter = { query: search.query, toggle: search.toggle };
  return (
    <main class="view">
      <h1 class="sr-only">Logs</h1>
      <QueryBar table="logs" query={search.query} error={logs.error} onRun={search.run} placeholder={phone ? "Search logs, or paste a trace id" : 'Search logs: words, "a phrase", service:checkout severity>=warn, or a trace id'}>
        <TimePicker range={search.range} onChange={search.setRange} />
      </QueryBar>
      <Progress active={logs.loading || histogram.loading || logs.loadingMore} />
      <div class="split">
        <div class="split-main" ref={main}>
          <div class="summary">
            {histogram.data ? <span><b>{count(histogram.data.total)}</b> {histogram.data.total === 1 ? "record" : "records"}</span> : <span>{histogram.loading ? "Counting…" : ""}</span>}
            {histogram.data && <Legend data={histogram.data} query={search.query} toggle={search.toggle} />}
            {logs.rows.length > 0 && <span class="summary-end">
              {logs.page?.elapsed_ms !== undefined && <span class="muted hide-phone">{logs.page.elapsed_ms} ms</span>}
              <button type="button" class="text-button" title="Change the order" onClick={() => setParams({ order: order === "desc" ? "asc" : null, sel: null })}>
                {order === "desc" ? "Newest first" : "Oldest first"}
                <Icon name={order === "desc" ? "down" : "up"} size={10} />
              </button>
              <CopyButton text={() => shareLink("/logs", search, { order: params.get("order"), sel: selectedId })} title="Copy a link with absolute times" icon="link" />
            </span>}
          </div>
          {histogram.data && histogram.data.total > 0 && (
            <LevelHistogram
              data={histogram.data}
              stale={histogram.loading}
              onZoom={(from, to) => search.setRange(rangeAround(from, to))}
            />
          )}
          <Incomplete answers={[logs.page, histogram.data]} />
          {renderList()}
        </div>
        {selected && <LogPanel key={selected.id} log={selected} pattern={pattern} filter={filter} onClose={() => setParams({ sel: null }, "replace")} onStep={step} />}
      </div>
    </main>
  );

  function renderList(): JSX.Element {
    if (logs.error && logs.rows.length === 0) return <ErrorState error={logs.error} retry={() => search.run(search.query)} />;
    if (logs.rows.length === 0) return logs.loading ? <Skeleton rowHeight={phone ? PHONE_ROW_HEIGHT : ROW_HEIGHT} rows={40} /> : <NoResults what="logs" search={search} />;
    return (
      <VirtualList
        key={key}
        handle={list}
        class={`log-list${logs.loading ? " stale" : ""}${withYear ? " with-year" : ""}`}
        role="listbox"
        label="Log records"
        count={logs.rows.length}
        rowHeight={phone ? PHONE_ROW_HEIGHT : ROW_HEIGHT}
        initialScroll={search.restored ? keptScroll(keptKey) : 0}
        onScroll={(top) => keepScroll(keptKey, top)}
        onEnd={logs.loadMore}
        activeId={selected ? `log-${selected.id}` : undefined}
        footer={<ListEnd rows={logs.rows.length} hasMore={logs.hasMore} failed={logs.error !== null} />}
        renderRow={(index) => {
          const row = logs.rows[index];
          return row && <LogRow key={row.id} id={`log-${row.id}`} log={row} selected={row.id === selectedId} pattern={pattern} zone={zone} withYear={withYear} fit={fit} onOpen={() => open(index)} />;
        }}
      />
    );
  }
}

function ListEnd({ rows, hasMore, failed }: { rows: number; hasMore: boolean; failed: boolean }): JSX.Element {
  if (failed) return <p class="list-end">The next page did not come. Search again to retry.</p>;
  if (hasMore) return <p class="list-end">Loading more…</p>;
  if (rows >= MAX_ROWS) return <p class="list-end">The first {count(rows)} records. Narrow the search to see others.</p>;
  return <p class="list-end">End of results</p>;
}

interface LegendProps {
  data: Histogram;
  query: string;
  toggle: (field: string, value: string, exclude: boolean) => void;
}

/** Counts by level that are also the filter by level. */
function Legend({ data, query, toggle }: LegendProps): JSX.Element {
  const order = ["fatal", "error", "warn", "info", "debug", "trace", "unset"];
  const totals = data.series
    .map((series) => ({ name: series.name, total: series.counts.reduce((sum, n) => sum + n, 0) }))
    .filter((entry) => entry.total > 0)
    .sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  return (
    <span class="legend">
      {totals.map((entry) => (
        <button key={entry.name} type="button" class="legend-item" aria-pressed={hasFilter(query, "level", entry.name, false)} title={`Only ${entry.name}`} onClick={() => toggle("level", entry.name, false)}>
          <i class={`swatch back-${entry.name}`} />
          {entry.name} <span class="muted">{count(entry.total)}</span>
        </button>
      ))}
    </span>
  );
}
