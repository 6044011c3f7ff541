import type { JSX } from "preact";
import type { Histogram, LogPage, LogRecord } from "../api/types";
import { orderSeries, seriesColour } from "../lib/colour";
import { logsCliOf } from "../lib/curl";
import { count } from "../lib/format";
import { hasFilter } from "../lib/query";
import { setParams } from "../lib/router";
import { absoluteLink, type Search } from "../lib/search";
import { groupStatement, logsStatement } from "../lib/searchsql";
import { AsOf } from "../ui/asof";
import { BeforeButton } from "../ui/before";
import { CopyButton } from "../ui/copy";
import { Delta } from "../ui/delta";
import { Icon } from "../ui/icons";
import { RunAs } from "../ui/runas";
import { ColumnsMenu } from "./columns";
import { ExportMenu } from "./export";
import { FieldSelect } from "./fieldselect";
import type { LogsBefore } from "./use-histogram";
import { WrapButton } from "./wrap";

interface Props {
  search: Search;
  histogram: Histogram | null;
  before: LogsBefore | null;
  counting: boolean;
  by: string;
  rows: LogRecord[];
  page: LogPage | null;
  order: "asc" | "desc";
  columns: string[];
  wrap: boolean;
  facets: boolean;
  view: LogsAs;
  onFacets: () => void;
}

/** The line above the list: how many, of which kind, and how they are shown. */
export function LogToolbar(props: Props): JSX.Element {
  const { search, histogram, by, rows, view } = props;
  return (
    <div class="summary">
      <button type="button" class="icon-button hide-phone" aria-pressed={props.facets} title="Facets (f)" aria-label="Facets" onClick={props.onFacets}>
        <Icon name="list" />
      </button>
      {histogram ? (
        <span class="summary-count">
          <b>{count(histogram.total)}</b> {histogram.total === 1 ? "record" : "records"}{" "}
          {props.before && <Delta now={histogram.total} before={props.before.total} was={count(props.before.total)} moreIsWorse={false} />}
        </span>
      ) : (
        <span>{props.counting ? "Counting…" : ""}</span>
      )}
      {histogram && view !== "table" && view !== "chart" && (
        <FieldSelect by={by} label="Stack the histogram by" prefix="by " class="text-button hide-phone stack-by" onChange={(next) => setParams({ by: next === "level" ? null : next }, "replace")} />
      )}
      {histogram && view !== "chart" && <Legend data={histogram} by={by} search={search} />}
      {histogram && histogram.total > 0 && (
        <span class="summary-before hide-phone hide-beside">
          <BeforeButton search={search} short />
        </span>
      )}
      {rows.length === 0 && (
        <span class="summary-end">
          <LiveButton />
        </span>
      )}
      {rows.length > 0 && (
        <span class="summary-end">
          {props.page && <AsOf answer={props.page} madeAt={search.madeAt} />}
          <ViewChoice view={view} />
          <LiveButton />
          {view === "lines" && <ListTools {...props} />}
          <RunAs {...runAsOf(props)} />
          <CopyButton text={absoluteLink} title="Copy a link with absolute times (y)" icon="link" />
        </span>
      )}
    </div>
  );
}

/** What only a list of records has. */
function ListTools(props: Props): JSX.Element {
  const { search, histogram, rows, order } = props;
  return (
    <>
      <button type="button" class="text-button" title="Change the order" onClick={() => setParams({ order: order === "desc" ? "asc" : null, sel: null })}>
        {order === "desc" ? "Newest" : "Oldest"}
        <span class="hide-narrow">&nbsp;first</span>
        <Icon name={order === "desc" ? "down" : "up"} size={10} />
      </button>
      <WrapButton wrap={props.wrap} />
      <span class="hide-phone">
        <ColumnsMenu columns={props.columns} />
      </span>
      <ExportMenu rows={rows} columns={props.columns} search={search} order={order} total={histogram?.total ?? null} />
    </>
  );
}

/** How what is found is shown: the search stays the same. */
export type LogsAs = "lines" | "patterns" | "table" | "chart";

export function readAs(text: string | null): LogsAs {
  return text === "patterns" || text === "table" || text === "chart" ? text : "lines";
}

const VIEWS: [LogsAs, string, string][] = [
  ["lines", "Lines", "Record by record"],
  ["patterns", "Patterns", "Lines of the same format laid together (v)"],
  ["table", "Table", "Counted by a field"],
  ["chart", "Chart", "Counted by a field, over time"],
];

function ViewChoice({ view }: { view: LogsAs }): JSX.Element {
  const show = (next: LogsAs): void => setParams({ view: next === "lines" ? null : next, ...(next === "patterns" ? {} : { new: null }), ...(next === "lines" ? {} : { sel: null }) }, "replace");
  return (
    <span class="segmented" role="group" aria-label="Show as">
      {VIEWS.map(([each, label, title]) => (
        <button key={each} type="button" class={each === "table" || each === "chart" ? "hide-beside" : undefined} aria-pressed={each === view} title={title} onClick={() => show(each)}>
          {label}
        </button>
      ))}
    </span>
  );
}

/** What is shown, as a request and as SQL. */
function runAsOf({ search, columns, order, by, view }: Props): Parameters<typeof RunAs>[0] {
  const wanted = { query: search.query, range: search.fixed, nowMs: search.madeAt };
  const asked = { query: search.query, start: search.fixed.start, end: search.fixed.end };
  if (view === "table" || view === "chart") return { request: { path: "/api/v1/logs/histogram", params: { ...asked, by, limit: SHOWN_GROUPS } }, statement: () => groupStatement("logs", wanted, by, SHOWN_GROUPS) };
  const statement = (): string => logsStatement(wanted, columns, order, SHOWN_LOGS);
  if (view === "patterns") return { request: { path: "/api/v1/logs/patterns", params: asked }, statement };
  const request = { path: "/api/v1/logs", params: { ...asked, order, limit: SHOWN_LOGS } };
  // The command has the newest records of a search, and not its oldest.
  return order === "asc" ? { request, statement } : { request, statement, command: () => logsCliOf(window.location.origin, { ...asked, limit: SHOWN_LOGS }) };
}

const SHOWN_LOGS = 100;
const SHOWN_GROUPS = 100;

function LiveButton(): JSX.Element {
  return (
    <button type="button" class="text-button live-button" title="Follow what comes in (l)" onClick={() => setParams({ live: "1", sel: null })}>
      <i aria-hidden="true" />
      Live
    </button>
  );
}

/** Counts by the field that are also the filter on it. */
function Legend({ data, by, search }: { data: Histogram; by: string; search: Search }): JSX.Element {
  const field = by === "service_name" ? "service" : by;
  const totals = orderSeries(by, data.series)
    .map((series) => ({ name: series.name, total: series.counts.reduce((sum, n) => sum + n, 0) }))
    .filter((entry) => entry.total > 0);
  return (
    <span class="legend">
      {totals.map((entry) => {
        const plain = entry.name !== "(other)" && entry.name !== "(none)";
        return (
          <button key={entry.name} type="button" class="legend-item" disabled={!plain} aria-pressed={plain && hasFilter(search.query, field, entry.name, false)} title={plain ? `Only ${entry.name}` : entry.name} onClick={() => search.toggle(field, entry.name, false)}>
            <i class="swatch" style={{ background: seriesColour(by, entry.name) }} />
            {entry.name} <span class="muted">{count(entry.total)}</span>
          </button>
        );
      })}
    </span>
  );
}
