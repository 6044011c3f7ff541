import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { SpanHistogram, SpanSeries } from "../api/types";
import { useApi } from "../api/use";
import { serviceColour } from "../lib/colour";
import { count, duration, percent } from "../lib/format";
import { hasFilter } from "../lib/query";
import { perSecond, redOf } from "../lib/red";
import type { Search } from "../lib/search";
import { NAMELESS } from "../trace/use-view";
import { Sparkline } from "../ui/sparkline";
import { Incomplete } from "../ui/states";

export type GroupedBy = "service" | "operation";

const FIELDS: Record<GroupedBy, { by: string; filter: string }> = {
  service: { by: "service_name", filter: "service" },
  operation: { by: "name", filter: "name" },
};
const BUCKETS = 40;
const GROUPS = 30;

interface Props {
  by: GroupedBy;
  /** Of the spans that are counted. */
  query: string;
  search: Search;
}

/** Rate, errors and duration by service or operation, the busiest first; a click narrows the list down to one. */
export function RedGroups({ by, query, search }: Props): JSX.Element {
  const { start, end } = search.fixed;
  const { by: field, filter } = FIELDS[by];
  const found = useApi<SpanHistogram>(`groups ${field} ${query} ${search.key}`, (signal) => getJson("/api/v1/spans/histogram", { query, start, end, buckets: BUCKETS, by: field, limit: GROUPS }, signal));
  if (found.error) return <p class="hint form-error">{found.error.message}</p>;
  if (!found.data) return <div class="red-groups red-groups-waiting" aria-hidden="true" />;
  const { data } = found;
  const most = Math.max(1, ...data.series.map(({ span_count }) => span_count.reduce((all, each) => all + each, 0)));
  return (
    <>
      <Incomplete answers={[data]} />
      <div class={found.loading ? "red-groups stale" : "red-groups"} role="region" aria-label={`Rate, errors and duration by ${by}`} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th>{by === "service" ? "Service" : "Operation"}</th>
              <th class="hide-phone">
                <span class="sr-only">Spans over time</span>
              </th>
              <th class="number">Spans</th>
              <th class="number hide-phone">Rate</th>
              <th class="number">Errors</th>
              <th class="number" title="The slowest twentieth, in the worst part of the range">
                p95 up to
              </th>
            </tr>
          </thead>
          <tbody>
            {data.series.map((series) => (
              <GroupRow key={series.name ?? ""} series={series} bucketNs={data.bucket_ns} most={most} by={by} chosen={series.name !== null && hasFilter(search.query, filter, series.name, false)} onChoose={(name) => search.toggle(filter, name, false)} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

interface RowProps {
  series: SpanSeries;
  bucketNs: number;
  most: number;
  by: GroupedBy;
  chosen: boolean;
  onChoose: (name: string) => void;
}

/** What the server adds up because there are too many, or because spans have no such field. */
const SUMMED = ["(other)", "(none)"];

function GroupRow({ series, bucketNs, most, by, chosen, onChoose }: RowProps): JSX.Element {
  const red = redOf(series, bucketNs);
  const name = series.name ?? "(none)";
  return (
    <tr>
      <td>
        {SUMMED.includes(name) ? (
          <span class="muted">{name === "(other)" ? "all others" : "none"}</span>
        ) : (
          <button type="button" class="red-group" aria-pressed={chosen} title={chosen ? "Take the filter away" : `Only this ${by}`} onClick={() => onChoose(name)}>
            {by === "service" && <i class="service-dot" style={{ background: serviceColour(name) }} />}
            <span class="red-group-name">{name || NAMELESS}</span>
          </button>
        )}
      </td>
      <td class="red-group-spark hide-phone">
        <Sparkline values={series.span_count} label={`Spans of ${name} over time`} />
      </td>
      <td class="number bar-cell">
        <i class="cell-bar" style={{ width: `${(red.total / most) * 100}%` }} />
        {count(red.total)}
      </td>
      <td class="number hide-phone muted">{perSecond(red.rate)}</td>
      <td class={red.errors > 0 ? "number error-text" : "number muted"} title={`${count(red.errors)} failed`}>
        {red.errors > 0 ? percent(red.errors, red.total) : "–"}
      </td>
      <td class="number">{duration(red.worstP95)}</td>
    </tr>
  );
}
