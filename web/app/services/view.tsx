import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { Service, ServicePage, SpanSeries } from "../api/types";
import { useApi } from "../api/use";
import { serviceColour } from "../lib/colour";
import { count, percent } from "../lib/format";
import { filterText } from "../lib/query";
import { servicesStatement } from "../lib/pagesql";
import { href, setParams, usePlace } from "../lib/router";
import { useSearch } from "../lib/search";
import { ALL_TIME } from "../lib/time";
import { Icon } from "../ui/icons";
import { QUERY_INPUT_ID } from "../ui/querybar";
import { RunningNote } from "../ui/progress";
import { RunAs } from "../ui/runas";
import { SortHead } from "../ui/sorthead";
import { Sparkline } from "../ui/sparkline";
import { GettingStarted } from "../ui/started";
import { EmptyState, ErrorState, Incomplete, Progress, Skeleton } from "../ui/states";
import { TimePicker } from "../ui/timepicker";
import { AgainstChoice, Changes, ChangesAs } from "./changes";
import { Operations } from "./operations";
import { useServiceSeries } from "./use-red";

/** Rows at first: a page of a thousand services would be tens of thousands of elements. */
const SHOWN = 200;

type Sort = "service_name" | "span_count" | "error_count" | "log_count";

export function ServicesView(): JSX.Element {
  const search = useSearch();
  const { params } = usePlace();
  const [sort, setSort] = useState<Sort>("span_count");
  const changed = params.get("tab") === "changes";
  const series = useServiceSeries(search);
  const found = useApi<ServicePage>(search.key, (signal) => getJson("/api/v1/services", { start: search.fixed.start, end: search.fixed.end }, signal));
  const [wanted, setWanted] = useState(SHOWN);
  const open = params.get("open");
  const needle = search.query.toLowerCase();
  const services = useMemo(() => {
    const all = (found.data?.services ?? []).filter((service) => service.service_name.toLowerCase().includes(needle));
    return all.sort((a, b) => (sort === "service_name" ? a.service_name.localeCompare(b.service_name) : b[sort] - a[sort] || a.service_name.localeCompare(b.service_name)));
  }, [found.data, needle, sort]);
  // A link may have opened one farther down.
  const shown = Math.max(wanted, services.findIndex((service) => service.service_name === open) + 1);
  const most = Math.max(1, ...services.map((service) => service.span_count));
  const range = { start: search.range.start, end: search.range.end };

  return (
    <main class="view">
      <h1 class="sr-only">Services</h1>
      <div class="querybar">
        <div class="query-box">
          <Icon name="search" />
          <input
            id={QUERY_INPUT_ID}
            class="query-input query-plain"
            placeholder="Find a service"
            aria-label="Find a service"
            value={search.query}
            onInput={(event) => setParams({ q: event.currentTarget.value }, "replace")}
          />
        </div>
        <TimePicker range={search.range} onChange={search.setRange} onAgain={search.again} />
      </div>
      <div class="toolbar">
        <div class="tabs" role="tablist" aria-label="Services by">
          {tab(null, "All services")}
          {tab("changes", "What changed")}
        </div>
        {changed ? (
          <AgainstChoice>
            <ChangesAs search={search} />
          </AgainstChoice>
        ) : (
          services.length > 0 && (
            <span class="toolbar-end">
              <RunAs request={{ path: "/api/v1/services", params: { start: search.fixed.start, end: search.fixed.end } }} statement={() => servicesStatement({ query: search.query, range: search.fixed, nowMs: search.madeAt })} />
            </span>
          )
        )}
      </div>
      {changed ? (
        <Changes search={search} />
      ) : (
        <>
          <Progress active={found.loading} />
          <RunningNote kind="/api/v1/services" query="" running={found.loading} />
          <Incomplete answers={[found.data, series.answer]} />
          {renderBody()}
        </>
      )}
    </main>
  );

  function tab(name: string | null, label: string): JSX.Element {
    return (
      <button type="button" role="tab" aria-selected={changed === (name !== null)} onClick={() => setParams({ tab: name }, "replace")}>
        {label}
      </button>
    );
  }

  function renderBody(): JSX.Element {
    if (found.error && !found.data) return <ErrorState error={found.error} retry={found.reload} />;
    if (!found.data) return <Skeleton rowHeight={30} rows={16} />;
    const isRanged = search.range.start !== null || search.range.end !== null;
    if (found.data.services.length === 0 && !isRanged) return <GettingStarted onData={found.reload} />;
    if (services.length === 0) {
      return (
        <EmptyState title="No services here">
          <p>{search.query ? "No service has this in its name." : "No service sent anything in this time range."}</p>
          <div class="state-actions">
            {search.query && (
              <button type="button" class="button" onClick={() => setParams({ q: null })}>
                Show all services
              </button>
            )}
            {isRanged && (
              <button type="button" class="button" onClick={() => search.setRange(ALL_TIME)}>
                Look at all time
              </button>
            )}
          </div>
        </EmptyState>
      );
    }
    return (
      <div class="table-scroll">
        <table class="services">
          <thead>
            <tr>
              <SortHead<Sort> label="Service" column="service_name" sort={sort} onSort={setSort} ascending />
              <SortHead<Sort> label="Spans" column="span_count" sort={sort} onSort={setSort} number />
              <SortHead<Sort> label="Errors" column="error_count" sort={sort} onSort={setSort} number />
              <SortHead<Sort> label="Logs" column="log_count" sort={sort} onSort={setSort} number />
              <th class="spark-head hide-phone">Rate</th>
              <th class="spark-head hide-phone">p95</th>
              <th class="number hide-phone">Operations</th>
              <th class="hide-phone">
                <span class="sr-only">Links</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {services.slice(0, shown).map((service) => (
              <ServiceRows key={service.service_name} service={service} series={series.byName.get(service.service_name)} most={most} open={open === service.service_name} range={range} />
            ))}
          </tbody>
        </table>
        {services.length > shown && (
          <p class="state-actions services-more">
            <span class="muted">
              The first {count(shown)} of {count(services.length)}
            </span>
            <button type="button" class="button button-small" onClick={() => setWanted(shown + SHOWN)}>
              {count(Math.min(SHOWN, services.length - shown))} more
            </button>
          </p>
        )}
      </div>
    );
  }
}

interface RowsProps {
  service: Service;
  /** Of the busiest services only. */
  series: SpanSeries | undefined;
  most: number;
  open: boolean;
  range: { start: string | null; end: string | null };
}

function ServiceRows({ service, series, most, open, range }: RowsProps): JSX.Element {
  const name = service.service_name;
  const query = filterText("service", name);
  return (
    <>
      <tr class={open ? "service-row open" : "service-row"}>
        <td>
          <button type="button" class="service-open" aria-expanded={open} onClick={() => setParams({ open: open ? null : name }, "replace")}>
            <span class="twist">
              <Icon name="chevron" size={12} />
            </span>
            <i class="service-dot" style={{ background: serviceColour(name) }} />
            <span class="service-text">{name}</span>
          </button>
        </td>
        <td class="number bar-cell">
          <i class="cell-bar" style={{ width: `${(service.span_count / most) * 100}%` }} />
          <span>{count(service.span_count)}</span>
        </td>
        <td class="number">
          {service.error_count > 0 ? (
            <a class="error-text" href={href("/traces", { q: `${query} status:error`, ...range })}>
              {count(service.error_count)} <span class="muted hide-phone error-share">{percent(service.error_count, service.span_count)}</span>
            </a>
          ) : (
            <span class="muted">
              0 <span class="hide-phone error-share" />
            </span>
          )}
        </td>
        <td class="number">{service.log_count > 0 ? count(service.log_count) : <span class="muted">0</span>}</td>
        <td class="spark-cell hide-phone">{series && <Sparkline values={series.span_count} label={`Spans of ${name} over time`} />}</td>
        <td class="spark-cell hide-phone">{series && <Sparkline values={series.p95_ns.map((value) => value ?? 0)} label={`95th percentile of the duration of ${name} over time`} />}</td>
        <td class="number hide-phone">{count(service.operations.length)}</td>
        <td class="row-links hide-phone">
          <a href={href(`/services/${encodeURIComponent(name)}`, range)}>Page</a>
          <a class={service.span_count > 0 ? undefined : "row-link-none"} href={href("/traces", { q: query, ...range })}>
            Traces
          </a>
          <a class={service.log_count > 0 ? undefined : "row-link-none"} href={href("/logs", { q: query, ...range })}>
            Logs
          </a>
        </td>
      </tr>
      {open && (
        <tr class="operations-row">
          <td colSpan={8}>
            <div class="phone-only row-links">
              <a href={href(`/services/${encodeURIComponent(name)}`, range)}>Page</a>
              <a href={href("/traces", { q: query, ...range })}>Traces</a>
              <a href={href("/logs", { q: query, ...range })}>Logs</a>
            </div>
            <Operations service={service} query={query} range={range} />
          </td>
        </tr>
      )}
    </>
  );
}
