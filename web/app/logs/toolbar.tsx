import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { FieldPage, Histogram, LogRecord } from "../api/types";
import { useApi } from "../api/use";
import { orderSeries, seriesColour } from "../lib/colour";
import { count } from "../lib/format";
import { hasFilter } from "../lib/query";
import { setParams } from "../lib/router";
import { absoluteLink, type Search } from "../lib/search";
import { BeforeButton } from "../ui/before";
import { CopyButton } from "../ui/copy";
import { Delta } from "../ui/delta";
import { Icon } from "../ui/icons";
import { ColumnsMenu } from "./columns";
import { ExportMenu } from "./export";
import type { LogsBefore } from "./use-histogram";

interface Props {
  search: Search;
  histogram: Histogram | null;
  before: LogsBefore | null;
  counting: boolean;
  by: string;
  rows: LogRecord[];
  elapsedMs: number | undefined;
  order: "asc" | "desc";
  columns: string[];
  wrap: boolean;
  facets: boolean;
  patterns: boolean;
  onWrap: () => void;
  onFacets: () => void;
}

/** The line above the list: how many, of which kind, and how they are shown. */
export function LogToolbar(props: Props): JSX.Element {
  const { search, histogram, by, rows } = props;
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
      {histogram && <StackBy by={by} />}
      {histogram && <Legend data={histogram} by={by} search={search} />}
      {histogram && histogram.total > 0 && (
        <span class="summary-before hide-phone">
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
          {props.elapsedMs !== undefined && <span class="muted hide-narrow">{props.elapsedMs} ms</span>}
          <ViewChoice patterns={props.patterns} />
          <LiveButton />
          {!props.patterns && <ListTools {...props} />}
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
        {order === "desc" ? "Newest first" : "Oldest first"}
        <Icon name={order === "desc" ? "down" : "up"} size={10} />
      </button>
      <button type="button" class="text-button" aria-pressed={props.wrap} title="Wrap lines (w)" onClick={props.onWrap}>
        <Icon name="wrap" />
        <span class="hide-narrow">Wrap</span>
      </button>
      <span class="hide-phone">
        <ColumnsMenu columns={props.columns} />
      </span>
      <ExportMenu rows={rows} columns={props.columns} search={search} order={order} total={histogram?.total ?? null} />
    </>
  );
}

function ViewChoice({ patterns }: { patterns: boolean }): JSX.Element {
  return (
    <span class="segmented" role="group" aria-label="Show as">
      <button type="button" aria-pressed={!patterns} onClick={() => setParams({ view: null, new: null }, "replace")}>
        Lines
      </button>
      <button type="button" aria-pressed={patterns} title="Lines of the same format laid together (v)" onClick={() => setParams({ view: "patterns", sel: null }, "replace")}>
        Patterns
      </button>
    </span>
  );
}

function LiveButton(): JSX.Element {
  return (
    <button type="button" class="text-button live-button" title="Follow what comes in (l)" onClick={() => setParams({ live: "1", sel: null })}>
      <i aria-hidden="true" />
      Live
    </button>
  );
}

const MOST_FIELDS = 40;

function StackBy({ by }: { by: string }): JSX.Element {
  const fields = useApi<FieldPage>("stack by", (signal) => getJson("/api/v1/fields", { table: "logs" }, signal));
  const names = ["level", "service_name", ...(fields.data?.fields ?? []).map((field) => field.query_name).filter((name) => name !== "level" && name !== "service_name")].slice(0, MOST_FIELDS);
  return (
    <select class="text-button hide-phone stack-by" aria-label="Stack the histogram by" title="Stack by" value={by} onChange={(event) => setParams({ by: event.currentTarget.value === "level" ? null : event.currentTarget.value }, "replace")}>
      {(names.includes(by) ? names : [by, ...names]).map((name) => (
        <option key={name} value={name}>
          by {name === "service_name" ? "service" : name}
        </option>
      ))}
    </select>
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
