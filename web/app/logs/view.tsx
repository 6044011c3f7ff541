import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { plural } from "../lib/format";
import { useKeys } from "../lib/keys";
import { keepChoice, keptChoice, usePhone } from "../lib/prefs";
import { matchTerms, termPattern } from "../lib/query";
import { href, hrefWith, navigate, setParams, usePlace } from "../lib/router";
import { useSearch } from "../lib/search";
import { useSize } from "../lib/size";
import { rangeAround } from "../lib/time";
import { NewPill } from "../ui/fresh";
import { NoResults } from "../ui/noresults";
import { PartialNote } from "../ui/progress";
import { QueryBar } from "../ui/querybar";
import { ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import type { VirtualHandle } from "../ui/virtual";
import { setColumns, useColumns } from "./columns";
import { LogContext } from "./context";
import { LogFacets } from "./facets";
import { LogGroups } from "./groups";
import { StackedHistogram } from "./histogram";
import { LogList } from "./list";
import { LiveView } from "./live";
import { LogPanel } from "./panel";
import { LogPatterns } from "./patterns";
import { PHONE_ROW_HEIGHT, ROW_HEIGHT } from "./row";
import { LogToolbar, readAs } from "./toolbar";
import { useLogHistogram } from "./use-histogram";
import { useLogs } from "./use-logs";
import { useSought } from "./use-sought";
import { setWrap, useWrap } from "./wrap";

const BUCKETS = 120;
const FACETS_KEY = "spoor.facets";

/** What is stored, or with `live=1` what comes in. */
export function LogsView(): JSX.Element {
  return usePlace().params.get("live") === "1" ? <LiveView /> : <StoredView />;
}

function StoredView(): JSX.Element {
  const search = useSearch();
  const { path, params } = usePlace();
  const phone = usePhone();
  const order = params.get("order") === "asc" ? "asc" : "desc";
  const by = params.get("by") ?? "level";
  const wrap = useWrap();
  const view = readAs(params.get("view"));
  const columns = useColumns();
  const [facets, setFacets] = useState(() => keptChoice(FACETS_KEY) !== "closed");
  const key = `${search.key}|${order}`;
  const keptKey = JSON.stringify([search.query, search.range, order]);
  const list = useRef<VirtualHandle>(null);
  const logs = useLogs(key, keptKey, { query: search.query, range: search.fixed, order }, search.restored, search.cancelled);
  const histogram = useLogHistogram({ query: search.query, by, buckets: phone ? 50 : BUCKETS }, search);
  const pattern = useMemo(() => termPattern(matchTerms(search.query)), [search.query]);
  const main = useRef<HTMLDivElement>(null);
  const { width } = useSize(main);

  const selectedId = params.get("sel");
  const { record: selected, index: selectedIndex } = useSought(selectedId, logs, order, list, search.restored);
  const around = params.get("around") === "1";
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
  const toggleFacets = (): void => {
    keepChoice(FACETS_KEY, facets ? "closed" : "open");
    setFacets(!facets);
  };
  useKeys({
    j: () => step(1),
    ArrowDown: () => step(1),
    k: () => step(-1),
    ArrowUp: () => step(-1),
    Enter: openTrace,
    o: openTrace,
    c: () => selected && setParams({ around: "1" }, "replace"),
    f: toggleFacets,
    w: () => setWrap(!wrap),
    l: () => setParams({ live: "1", sel: null }),
    v: () => setParams({ view: view === "patterns" ? null : "patterns", sel: null }, "replace"),
    Escape: () => setParams({ sel: null }, "replace"),
  });

  const filter = {
    query: search.query,
    toggle: search.toggle,
    groupBy: (field: string) => setParams({ view: "table", by: field === "service" ? "service_name" : field, sel: null }),
    column: { has: (name: string) => columns.includes(name), toggle: (name: string) => setColumns(columns.includes(name) ? columns.filter((other) => other !== name) : [...columns, name]) },
  };
  const showFacets = facets && !phone && (logs.rows.length > 0 || logs.loading || search.query !== "");
  return (
    <main class="view">
      <h1 class="sr-only">Logs</h1>
      <QueryBar table="logs" query={search.query} error={logs.error} onRun={search.run} search={search} running={logs.loading || logs.loadingMore} placeholder={phone ? "Search logs, or a trace id" : 'Search logs: words, "a phrase", service:checkout severity>=warn, or a trace id'}>
        <TimePicker range={search.range} onChange={search.setRange} onAgain={search.again} />
      </QueryBar>
      <Progress active={logs.loading || histogram.loading || logs.loadingMore} />
      <div class="split">
        {showFacets && <LogFacets search={search} onClose={toggleFacets} />}
        <div class="split-main" ref={main}>
          <LogToolbar
            search={search}
            histogram={histogram.data}
            before={histogram.before}
            counting={histogram.loading}
            by={by}
            rows={logs.rows}
            page={logs.page}
            order={order}
            columns={columns}
            wrap={wrap}
            facets={facets}
            view={view}
            onFacets={toggleFacets}
          />
          {histogram.data && histogram.data.total > 0 && view !== "chart" && <StackedHistogram data={histogram.data} by={by} before={histogram.before} stale={histogram.loading} onZoom={(from, to) => search.setRange(rangeAround(from, to))} />}
          <NewPill table="logs" search={search} newest={order === "desc" ? (logs.rows[0]?.time_unix_nano ?? null) : null} busy={logs.loading} />
          {logs.partial && view === "lines" && <PartialNote kind="/api/v1/logs" query={search.query} shown={plural(logs.rows.length, "record")} rest={order === "desc" ? "older ones" : "newer ones"} />}
          <Incomplete answers={[logs.page, histogram.data]}>{renderFound()}</Incomplete>
        </div>
        {selected && view === "lines" && (
          <LogPanel key={selected.id} log={selected} pattern={pattern} filter={filter} onContext={() => setParams({ around: "1" }, "replace")} onClose={() => setParams({ sel: null }, "replace")} onStep={step} />
        )}
      </div>
      {selected && around && <LogContext log={selected} hrefOf={(row) => hrefWith(path, params, { sel: row.id, around: null })} onClose={() => setParams({ around: null }, "replace")} />}
    </main>
  );

  function renderFound(): JSX.Element {
    if (logs.error || view === "lines") return renderList();
    if (view === "patterns") return <LogPatterns search={search} />;
    return <LogGroups search={search} by={by} chart={view === "chart"} />;
  }

  function renderList(): JSX.Element {
    if (logs.error && logs.rows.length === 0) return <ErrorState error={logs.error} retry={() => search.run(search.query)} />;
    if (logs.rows.length === 0) return logs.loading ? <Skeleton rowHeight={phone ? PHONE_ROW_HEIGHT : ROW_HEIGHT} rows={40} /> : <NoResults what="logs" search={search} />;
    return (
      <LogList
        key={key}
        logs={logs}
        columns={columns}
        wrap={wrap}
        narrow={selected !== null}
        width={width}
        pattern={pattern}
        selectedId={selectedId}
        keptKey={keptKey}
        restored={search.restored}
        handle={list}
        onOpen={open}
      />
    );
  }
}
