import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { Histogram, LogPage, ServicePage, SpanHistogram, TracePage } from "../api/types";
import { useApi } from "../api/use";
import { ago, count, shortTime, useZone } from "../lib/format";
import { anywhere, filterText } from "../lib/query";
import { href } from "../lib/router";
import type { Search } from "../lib/search";
import { ALL_TIME, nanosToMs, rangeAround, type Range } from "../lib/time";
import { unknownServices, withoutEach } from "../lib/why";
import { GettingStarted } from "./started";
import { EmptyState, Skeleton } from "./states";

type What = "logs" | "traces";

/** Nothing found: says why, and offers the step that helps. When there is no data at all, how to send some. */
export function NoResults({ what, search }: { what: What; search: Search }): JSX.Element {
  const services = useApi<ServicePage>("services", (signal) => getJson("/api/v1/services", {}, signal));
  if (!services.data && services.loading) return <Skeleton rows={6} />;
  const known = services.data?.services ?? [];
  if (services.data && known.length === 0) return <GettingStarted onData={() => search.run(search.query)} />;
  const total = known.reduce((sum, service) => sum + (what === "logs" ? service.log_count : service.span_count), 0);
  if (services.data && total === 0) {
    return (
      <EmptyState title={`No ${what} have arrived yet`}>
        <p>There is other telemetry here, from {known.length === 1 ? "one service" : `${known.length} services`}.</p>
        <div class="state-actions">
          <a class="button" href={href(what === "logs" ? "/traces" : "/logs")}>{what === "logs" ? "Look at traces" : "Look at logs"}</a>
        </div>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={`No ${what} match`}>
      <Why key={search.key} what={what} search={search} known={known.map((service) => service.service_name)} />
    </EmptyState>
  );
}

/** Clauses that are tried without. */
const MOST_TRIED = 4;

/** The beginning of what is stored is known to a part of so many. */
const BUCKETS = 300;

interface Counted {
  total: number;
  start_unix_nano: string;
}

/** How many there are of a query in a range; null asks nothing, or is not known yet. */
function useCount(what: What, query: string | null, range: Range): Counted | null {
  const path = what === "logs" ? "/api/v1/logs/histogram" : "/api/v1/spans/histogram";
  const found = useApi<Histogram | SpanHistogram>(query === null ? null : `why ${what} ${query} ${range.start} ${range.end}`, (signal) => getJson(path, { query, ...range, buckets: BUCKETS }, signal));
  return found.data;
}

/** When the last of what matches was, at any time. */
function useNewest(what: What, query: string | null): number | null {
  const logs = useApi<LogPage>(query !== null && what === "logs" ? `newest log ${query}` : null, (signal) => getJson("/api/v1/logs", { query, limit: 1 }, signal));
  const traces = useApi<TracePage>(query !== null && what === "traces" ? `newest trace ${query}` : null, (signal) => getJson("/api/v1/traces", { query, limit: 1 }, signal));
  const nanos = logs.data?.logs[0]?.time_unix_nano ?? traces.data?.traces[0]?.start_time_unix_nano;
  return nanos === undefined ? null : nanosToMs(nanos);
}

interface WhyProps {
  what: What;
  search: Search;
  known: string[];
}

/** Which of range and query leaves nothing, what each of them would find by itself, and the way there. */
function Why({ what, search, known }: WhyProps): JSX.Element {
  const zone = useZone();
  const { query, range, fixed } = search;
  const hasRange = range.start !== null || range.end !== null;
  const hasQuery = query.trim() !== "";
  const anytime = useCount(what, hasRange ? query : null, ALL_TIME);
  const here = useCount(what, hasQuery && hasRange ? "" : null, fixed);
  const all = useCount(what, hasRange ? "" : null, ALL_TIME);
  const unit = what === "logs" ? "records" : "spans";
  const newest = useNewest(what, hasRange ? query : null);
  const dataStart = all && all.total > 0 ? nanosToMs(all.start_unix_nano) : null;
  const rangeEnd = fixed.end === null ? null : Date.parse(fixed.end);
  const isTooOld = dataStart !== null && rangeEnd !== null && rangeEnd <= dataStart;
  const services = unknownServices(query, known);
  const everywhere = anywhere(query);
  return (
    <>
      {services.map(({ name, like }) => (
        <p key={name}>
          No service is called <code>{name}</code>
          {like.length > 0 && ". Did you mean "}
          {like.map((each, at) => (
            <span key={each}>
              {at > 0 && ", "}
              <button type="button" class="text-button" onClick={() => search.run(query.replace(filterText("service", name), filterText("service", each)).replace(`"${name}"`, `"${each}"`))}>
                {each}
              </button>
            </span>
          ))}
          {like.length > 0 && "?"}
        </p>
      ))}
      {isTooOld && dataStart !== null ? (
        <p>What is stored begins about {shortTime(dataStart, zone, false)}: the range lies before that, and older data has expired or never came.</p>
      ) : newest !== null ? (
        <p>
          Nothing in this time range{hasQuery ? " has all of these terms" : ""}, but {anytime ? count(anytime.total) : "some"} {unit} at other times; the last was {ago(newest, Date.now())}.
        </p>
      ) : services.length === 0 ? (
        <p>{!hasQuery ? "Nothing in this time range." : hasRange && here && here.total > 0 ? `There are ${count(here.total)} ${unit} in this time range, and none has all of these terms.` : hasRange ? "Nothing in this time range has all of these terms." : "Nothing stored has all of these terms."}</p>
      ) : null}
      <div class="state-actions">
        {newest !== null && (
          <button type="button" class="button" onClick={() => search.setRange(rangeAround(newest - LAST_MS, newest + 1))}>
            Go to the last of them
          </button>
        )}
        {hasRange && (
          <button type="button" class="button" onClick={() => search.setRange(ALL_TIME)}>
            Search all time
          </button>
        )}
        {everywhere !== null && (
          <button type="button" class="button" title={`${everywhere}: also in attributes, of the resource too`} onClick={() => search.run(everywhere)}>
            Look in all fields
          </button>
        )}
        {hasQuery && (
          <button type="button" class="button" onClick={() => search.run("")}>
            Clear the query
          </button>
        )}
      </div>
      {hasQuery && (
        <ul class="why">
          {withoutEach(query)
            .slice(0, MOST_TRIED)
            .map(({ clause, rest }) => (
              <Without key={clause + rest} what={what} clause={clause} rest={rest} search={search} />
            ))}
        </ul>
      )}
    </>
  );
}

/** The time before the last match that is shown with it. */
const LAST_MS = 15 * 60_000;

function Without({ what, clause, rest, search }: { what: What; clause: string; rest: string; search: Search }): JSX.Element | null {
  const found = useCount(what, rest, search.fixed);
  if (!found || found.total === 0) return null;
  return (
    <li>
      <button type="button" class="text-button" onClick={() => search.run(rest)}>
        Without <code>{clause}</code>: {count(found.total)}
      </button>
    </li>
  );
}
