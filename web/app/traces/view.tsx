import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { TraceSummary } from "../api/types";
import { count, leavesThisYear, plural, useZone } from "../lib/format";
import { useKeys } from "../lib/keys";
import { keepChoice, keptChoice, usePhone } from "../lib/prefs";
import { hasFilter } from "../lib/query";
import { href, navigate, setParams, usePlace } from "../lib/router";
import { absoluteLink, useSearch } from "../lib/search";
import { nanosToMs } from "../lib/time";
import { tracesStatement } from "../lib/searchsql";
import { useCharacterWidth } from "../lib/character";
import { useListLook } from "../lib/listlook";
import { useSize } from "../lib/size";
import { cellLayout, DEFAULT_CELLS } from "../lib/tracecells";
import { readTraceSort, sortedTraces } from "../lib/tracesort";
import { AsOf } from "../ui/asof";
import { CopyButton } from "../ui/copy";
import { NewPill } from "../ui/fresh";
import { Icon } from "../ui/icons";
import { NoResults } from "../ui/noresults";
import { PartialNote } from "../ui/progress";
import { QueryBar } from "../ui/querybar";
import { RunAs } from "../ui/runas";
import { ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import { VirtualList, type VirtualHandle } from "../ui/virtual";
import { ROOTS, TraceCharts } from "./charts";
import { CellsMenu, useCells } from "./columns";
import { DifferencePanel } from "./difference";
import { SpanExport } from "./export";
import { SpanFacets } from "./facets";
import { ListHead, SortMenu } from "./listhead";
import { MatchedNote, MatchedSpan } from "./matched";
import { RepresentedSpans } from "./represented";
import { PHONE_TRACE_ROW, ROOMY_TRACE_ROW, TRACE_ROW, TraceRow } from "./row";
import { listItems, useMatched } from "./use-matched";
import { keepScroll, keptKeyOf, keptScroll, useTraces } from "./use-traces";

const HEAD_HEIGHT = 26;
/** Gutters and the scroll bar. */
const EDGES = 46;
const FACETS_KEY = "spoor.facets.spans";

export function TracesView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const zone = useZone();
  const phone = usePhone();
  const list = useRef<VirtualHandle>(null);
  const [cursor, setCursor] = useState(-1);
  const found = useTraces(search);
  const [facets, setFacets] = useState(() => keptChoice(FACETS_KEY) !== "closed");
  const toggleFacets = (): void => {
    keepChoice(FACETS_KEY, facets ? "closed" : "open");
    setFacets(!facets);
  };
  const sortText = params.get("sort");
  const sort = readTraceSort(sortText);
  const rows = useMemo(() => sortedTraces(found.traces, sort), [found.traces, sortText]);
  const matched = useMatched(search);
  const items = listItems(rows, matched.of);
  const longest = useMemo(() => barScale(rows), [rows]);
  const withYear = useMemo(() => leavesThisYear(rows.map((trace) => nanosToMs(trace.start_time_unix_nano)), Date.now()), [rows]);

  const cells = useCells();
  const look = useListLook("traces");
  const character = useCharacterWidth();
  const main = useRef<HTMLDivElement>(null);
  const { width } = useSize(main);
  const { shown, template } = useMemo(() => (phone ? { shown: DEFAULT_CELLS, template: "" } : cellLayout(cells, look, character, width - EDGES, withYear)), [cells, look, character, width, withYear, phone]);
  const roomy = !phone && look.density === "comfortable";

  const move = (by: number): void => {
    const next = Math.min(items.length - 1, Math.max(0, cursor + by));
    setCursor(next);
    list.current?.show(next);
  };
  const open = (): void => {
    const item = items[cursor];
    if (item) navigate(href(`/trace/${item.trace.trace_id}`, { span: item.kind === "span" ? item.span.span_id : null }));
  };
  /** Opens or closes the trace under the cursor, or the one that the span there is of. */
  const unfold = (wanted: boolean): void => {
    const trace = items[cursor]?.trace;
    if (!trace || !matched.possible || (matched.of(trace.trace_id) !== null) === wanted) return;
    matched.toggle(trace.trace_id);
    setCursor(items.findIndex((item) => item.trace === trace));
  };
  const clause = params.get("diff");
  const marks = (params.get("marks") ?? "").split(",").filter((id) => id !== "");
  const mark = (id: string): void => {
    // The third takes the place of the second.
    const next = marks.includes(id) ? marks.filter((other) => other !== id) : [...marks.slice(0, 1), id];
    setParams({ marks: next.join(",") }, "replace");
  };
  const markCurrent = (): void => {
    const trace = items[cursor]?.trace;
    if (trace) mark(trace.trace_id);
  };
  useKeys({ Escape: () => setParams({ diff: null, dstart: null, dend: null }, "replace"), c: markCurrent, j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), Enter: open, o: open, ArrowRight: () => unfold(true), ArrowLeft: () => unfold(false), f: toggleFacets });

  return (
    <main class="view">
      <h1 class="sr-only">Traces</h1>
      <QueryBar table="spans" query={search.query} error={found.error} onRun={search.run} search={search} running={found.loading || found.loadingMore} placeholder={phone ? "Search traces, or paste an id" : "Search spans: service:checkout status:error duration>250ms, or a trace id"}>
        <TimePicker range={search.range} onChange={search.setRange} onAgain={search.again} />
      </QueryBar>
      <Progress active={found.loading || found.loadingMore} />
      <div class="split">
        {facets && !phone && (rows.length > 0 || found.loading || search.query !== "") && <SpanFacets search={search} onClose={toggleFacets} />}
        <div class="split-main" ref={main}>
          <div class="summary">
            <button type="button" class="icon-button hide-phone" aria-pressed={facets} title="Facets (f)" aria-label="Facets" onClick={toggleFacets}>
              <Icon name="list" />
            </button>
            <span>
              <b>{found.page || rows.length > 0 ? count(rows.length) : "…"}</b>
              {found.hasMore ? " traces loaded" : rows.length === 1 ? " trace" : " traces"}
            </span>
            <RepresentedSpans search={search} />
            <span class="legend">
              <Quick label="Errors" field="status" value="error" query={search.query} toggle={search.toggle} />
              <QuickSlow query={search.query} run={search.run} />
            </span>
            <span class="summary-end">
              {found.page && <AsOf answer={found.page} madeAt={search.madeAt} />}
              <SortMenu sort={sort} partial={found.hasMore} />
              <a class="icon-button hide-phone" href={href("/open")} title="Open a trace file" aria-label="Open a trace file">
                <Icon name="file" />
              </a>
              {rows.length > 0 && (
                <span class="hide-phone">
                  <CellsMenu cells={cells} />
                </span>
              )}
              {rows.length > 0 && <SpanExport search={search} />}
              {rows.length > 0 && <RunAs request={{ path: "/api/v1/traces", params: { query: search.query, start: search.fixed.start, end: search.fixed.end, limit: 20 } }} statement={() => tracesStatement({ query: search.query, range: search.fixed, nowMs: search.madeAt }, 20)} />}
              <CopyButton text={absoluteLink} title="Copy a link with absolute times" icon="link" />
            </span>
          </div>
          <NewPill table="spans" search={search} newest={null} busy={found.loading} />
          {found.partial && <PartialNote kind="/api/v1/traces" query={search.query} shown={plural(found.traces.length, "trace")} rest="older ones" />}
          <Incomplete answers={[found.page]}>
            <TraceCharts traces={found.traces} search={search} />
            {renderList()}
          </Incomplete>
          {marks.length > 0 && <CompareTray marks={marks} />}
        </div>
        {clause && <DifferencePanel search={search} clause={clause} base={search.query.trim() === "" ? ROOTS : search.query} />}
      </div>
    </main>
  );

  function renderList(): JSX.Element {
    if (found.error && rows.length === 0) return <ErrorState error={found.error} retry={() => search.run(search.query)} />;
    if (rows.length === 0) return found.loading ? <Skeleton rowHeight={TRACE_ROW} rows={20} /> : <NoResults what="traces" search={search} />;
    return (
      <div class={roomy ? "trace-frame trace-roomy" : "trace-frame"} style={{ "--columns": template }}>
        <VirtualList
          key={search.key}
          handle={list}
          label="Traces"
          class={`trace-list${found.loading && !found.partial ? " stale" : ""}`}
          count={items.length}
          rowHeight={phone ? PHONE_TRACE_ROW : roomy ? ROOMY_TRACE_ROW : TRACE_ROW}
          onEnd={found.loadMore}
          initialScroll={search.restored ? keptScroll(keptKeyOf(search)) : 0}
          onScroll={(top) => keepScroll(keptKeyOf(search), top)}
          header={<ListHead sort={sort} shown={shown} cells={cells} characterPx={character} />}
          headerHeight={phone ? 0 : HEAD_HEIGHT}
          footer={<p class="list-end">{found.error ? "The next page did not come. Search again to retry." : found.hasMore || found.partial ? "Loading more…" : "End of results"}</p>}
          renderRow={(index) => {
            const item = items[index];
            if (!item) return null;
            const { trace } = item;
            if (item.kind === "note") return <MatchedNote key={`${trace.trace_id} more`} trace={trace} matched={item.matched} query={search.query} />;
            if (item.kind === "span") return <MatchedSpan key={`${trace.trace_id} ${item.span.span_index}`} id={`match-${index}`} trace={trace} span={item.span} selected={index === cursor} zone={zone} cells={shown} />;
            return (
              <TraceRow key={trace.trace_id} trace={trace} longest={longest} selected={index === cursor} zone={zone} withYear={withYear} hasQuery={search.query !== ""} cells={shown} marked={marks.includes(trace.trace_id)} onMark={() => mark(trace.trace_id)} open={matched.possible ? matched.of(trace.trace_id) !== null : null} onOpen={() => matched.toggle(trace.trace_id)} />
            );
          }}
        />
      </div>
    );
  }
}

/** What was marked, and what can be done with it. */
function CompareTray({ marks }: { marks: string[] }): JSX.Element {
  const [left, right] = marks;
  return (
    <div class="compare-tray" role="status">
      <span>
        {right ? "Two traces marked" : "One trace marked: mark another, or compare it with the median of its operation"}
      </span>
      <a class="button button-small" href={href("/compare", right ? { left, right } : { left: "median", right: left })}>
        <Icon name="compare" size={12} />
        {right ? "Compare them" : "Compare with the median"}
      </a>
      <button type="button" class="icon-button" title="Take the marks away" aria-label="Take the marks away" onClick={() => setParams({ marks: null }, "replace")}>
        <Icon name="close" />
      </button>
    </div>
  );
}

/** One outlier would make all other bars a dot: then the scale ends at the 95th percentile and longer bars are cut. */
function barScale(rows: TraceSummary[]): number {
  const sorted = rows.map((trace) => trace.duration_ns).sort((a, b) => a - b);
  const longest = sorted.at(-1) ?? 1;
  const most = sorted[Math.floor(sorted.length * 0.95)] ?? longest;
  return Math.max(1, longest > 4 * most ? most * 1.1 : longest);
}

interface QuickProps {
  label: string;
  field: string;
  value: string;
  query: string;
  toggle: (field: string, value: string, exclude: boolean) => void;
}

function Quick({ label, field, value, query, toggle }: QuickProps): JSX.Element {
  return (
    <button type="button" class="legend-item" aria-pressed={hasFilter(query, field, value, false)} onClick={() => toggle(field, value, false)}>
      <Icon name="warn" size={12} />
      {label}
    </button>
  );
}

const SLOWER_THAN = ["100ms", "1s"];

function QuickSlow({ query, run }: { query: string; run: (query: string) => void }): JSX.Element {
  const current = /(?:^|\s)duration>(\S+)/.exec(query)?.[1];
  const without = query.replace(/(?:^|\s)duration>\S+/, "").trim();
  return (
    <>
      {SLOWER_THAN.map((limit) => (
        <button key={limit} type="button" class="legend-item" aria-pressed={current === limit} onClick={() => run(current === limit ? without : `${without} duration>${limit}`.trim())}>
          &gt; {limit.replace(/(\d)([a-z])/, "$1 $2")}
        </button>
      ))}
    </>
  );
}
