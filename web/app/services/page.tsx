import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, Service, ServicePage, TracePage } from "../api/types";
import { useApi } from "../api/use";
import { serviceColour } from "../lib/colour";
import { count, duration, leavesThisYear, percent, useZone } from "../lib/format";
import { operationsStatement } from "../lib/pagesql";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import { useSearch, type Search } from "../lib/search";
import { nanosToMs, rangeAround, type Range } from "../lib/time";
import { StackedHistogram } from "../logs/histogram";
import { oneLine } from "../logs/row";
import { useLogHistogram } from "../logs/use-histogram";
import { Icon } from "../ui/icons";
import { LevelBadge } from "../ui/level";
import { useBefore } from "../ui/before";
import { Delta } from "../ui/delta";
import { RunAs } from "../ui/runas";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { RowTime } from "../ui/time";
import { TimePicker } from "../ui/timepicker";
import { TraceLine } from "../ui/traceline";
import { Operations } from "./operations";
import { Exceptions } from "./exceptions";
import { ServiceLinks } from "./links";
import { RedCharts } from "./red";
import { useServiceGraph } from "./use-graph";
import { deploysOf, useVersions, VersionList } from "./versions";

const SHOWN = 8;

/** One service: what it does, who calls it, what went wrong, what it says. */
export function ServiceView({ name }: { name: string }): JSX.Element {
  const search = useSearch();
  const range = { start: search.range.start, end: search.range.end };
  const found = useApi<ServicePage>(search.key, (signal) => getJson("/api/v1/services", { start: search.fixed.start, end: search.fixed.end }, signal));
  const graph = useServiceGraph(search, name);
  const { wanted, range: earlier } = useBefore(search);
  const before = useApi<ServicePage>(wanted && earlier ? `before ${search.key}` : null, (signal) => getJson("/api/v1/services", { start: earlier?.start, end: earlier?.end }, signal));
  const service = found.data?.services.find((each) => each.service_name === name);
  // None of it then is an answer too.
  const nothing: Service = { service_name: name, span_count: 0, error_count: 0, log_count: 0, operations: [] };
  const earlierService = wanted && before.data && !before.loading ? (before.data.services.find((each) => each.service_name === name) ?? nothing) : null;
  const query = filterText("service", name);
  const versions = useVersions(query, search);
  return (
    <main class="view page">
      <Progress active={found.loading || graph.loading} />
      <header class="page-head">
        <h1>
          <i class="service-dot" style={{ background: serviceColour(name) }} />
          {name}
        </h1>
        <span class="row-links">
          <a href={href("/traces", { q: query, ...range })}>Traces</a>
          <a href={href("/logs", { q: query, ...range })}>Logs</a>
          <a href={href("/map", { node: name, hops: "1", ...range })}>Map</a>
          {service && <RunAs request={{ path: "/api/v1/services", params: { start: search.fixed.start, end: search.fixed.end } }} statement={() => operationsStatement(name, { range: search.fixed, nowMs: search.madeAt })} note="its operations" />}
        </span>
        <TimePicker range={search.range} onChange={search.setRange} onAgain={search.again} />
      </header>
      <Incomplete answers={[found.data, graph.data, versions.answer.data, wanted ? before.data : null]}>
        <div class="page-scroll page-wide" tabIndex={0}>
          {found.error ? (
            <ErrorState error={found.error} retry={found.reload} />
          ) : !found.data ? (
            <Skeleton rows={10} rowHeight={30} />
          ) : !service ? (
            <EmptyState title="Nothing of this service here">
              <p>It sent nothing in this time range.</p>
              <div class="state-actions">
                <a class="button" href={href(`/services/${encodeURIComponent(name)}`)}>
                  Look at all time
                </a>
                <a class="button" href={href("/services", range)}>
                  All services
                </a>
              </div>
            </EmptyState>
          ) : (
            <>
              <Figures service={service} before={earlierService} />
              {service.span_count > 0 && <RedCharts query={query} search={search} marks={deploysOf(versions.versions)} />}
              <div class="page-columns">
                <div>
                  <section class="page-part">
                    <h2>Operations</h2>
                    <Operations service={service} before={earlierService} query={query} range={range} />
                  </section>
                  {service.span_count > 0 && <Exceptions service={name} search={search} />}
                </div>
                <div>
                  <VersionList found={versions} query={query} range={range} />
                  <ServiceLinks name={name} graph={graph} range={range} />
                  <RecentErrors query={query} search={search} range={range} />
                </div>
              </div>
              {service.log_count > 0 && <Logs query={query} search={search} range={range} />}
            </>
          )}
        </div>
      </Incomplete>
    </main>
  );
}

function Figures({ service, before }: { service: Service; before: Service | null }): JSX.Element {
  const share = (of: Service): number => of.error_count / Math.max(1, of.span_count);
  const slowest = useMemo(() => [...service.operations].sort((a, b) => b.p95_ns - a.p95_ns)[0], [service]);
  return (
    <dl class="facts page-facts">
      <div class="fact fact-strong">
        <dt>Spans</dt>
        <dd>
          {count(service.span_count)} {before && <Delta now={service.span_count} before={before.span_count} was={count(before.span_count)} moreIsWorse={false} />}
        </dd>
      </div>
      <div class="fact">
        <dt>Errors</dt>
        <dd class={service.error_count > 0 ? "error-text" : ""}>
          {count(service.error_count)} <span class="muted">{percent(service.error_count, service.span_count)}</span>{" "}
          {before && <Delta now={share(service)} before={share(before)} was={percent(before.error_count, before.span_count)} moreIsWorse share />}
        </dd>
      </div>
      <div class="fact">
        <dt>Log records</dt>
        <dd>
          {count(service.log_count)} {before && <Delta now={service.log_count} before={before.log_count} was={count(before.log_count)} moreIsWorse={false} />}
        </dd>
      </div>
      {slowest && (
        <div class="fact">
          <dt>Slowest operation</dt>
          <dd>
            {slowest.name} <span class="muted">p95 {duration(slowest.p95_ns)}</span>
          </dd>
        </div>
      )}
    </dl>
  );
}

interface PartProps {
  query: string;
  search: Search;
  range: Range;
}

function RecentErrors({ query, search, range }: PartProps): JSX.Element {
  const zone = useZone();
  const failing = `${query} status:error`;
  const found = useApi<TracePage>(`errors ${failing} ${search.key}`, (signal) => getJson("/api/v1/traces", { query: failing, start: search.fixed.start, end: search.fixed.end, limit: SHOWN }, signal));
  const traces = found.data?.traces ?? [];
  const withYear = leavesThisYear(traces.map((trace) => nanosToMs(trace.start_time_unix_nano)), Date.now());
  return (
    <section class="page-part">
      <h2>
        Recent traces with errors{" "}
        {traces.length > 0 && (
          <a class="text-button" href={href("/traces", { q: failing, ...range })}>
            All
          </a>
        )}
      </h2>
      {found.error && <p class="hint form-error">{found.error.message}</p>}
      <Incomplete answers={[found.data]} />
      {found.data && traces.length === 0 && (
        <p class="hint received">
          <Icon name="check" size={12} /> None in this range
        </p>
      )}
      <ul class="error-traces">
        {traces.map((trace) => (
          <li key={trace.trace_id}>
            <a href={href(`/trace/${trace.trace_id}`, { find: failing })}>
              <TraceLine trace={trace} zone={zone} withYear={withYear} />
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Logs({ query, search, range }: PartProps): JSX.Element {
  const zone = useZone();
  const { start, end } = search.fixed;
  const histogram = useLogHistogram({ query, by: "level", buckets: 100 }, search);
  const worst = `${query} severity>=warn`;
  const lines = useApi<LogPage>(`service warnings ${query} ${search.key}`, (signal) => getJson("/api/v1/logs", { query: worst, start, end, limit: SHOWN }, signal));
  const rows = lines.data?.logs ?? [];
  const withYear = leavesThisYear(rows.map((row) => nanosToMs(row.time_unix_nano)), Date.now());
  return (
    <section class="page-part">
      <h2>
        Logs{" "}
        <a class="text-button" href={href("/logs", { q: query, ...range })}>
          All
        </a>
      </h2>
      <Incomplete answers={[histogram.data, lines.data]} />
      {histogram.data && histogram.data.total > 0 && <StackedHistogram data={histogram.data} by="level" before={histogram.before} stale={histogram.loading} onZoom={(from, to) => search.setRange(rangeAround(from, to))} />}
      <ul class="page-lines">
        {rows.map((row) => (
          <li key={row.id}>
            <a class={`context-row row-${row.level}`} href={href("/logs", { q: worst, sel: row.id, ...range })}>
              <RowTime class="log-time" nanos={row.time_unix_nano} zone={zone} withYear={withYear} />
              <LevelBadge level={row.level} />
              <span class="log-body page-body">{oneLine(row)}</span>
            </a>
          </li>
        ))}
      </ul>
      {lines.data && rows.length === 0 && <p class="hint">No warnings and no errors among them</p>}
    </section>
  );
}
