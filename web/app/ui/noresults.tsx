import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { ServicePage } from "../api/types";
import { useApi } from "../api/use";
import type { Search } from "../lib/search";
import { ALL_TIME } from "../lib/time";
import { GettingStarted } from "./started";
import { EmptyState, Skeleton } from "./states";

/** Nothing found: says why, and offers the step that helps. When there is no data at all, how to send some. */
export function NoResults({ what, search }: { what: "logs" | "traces"; search: Search }): JSX.Element {
  const services = useApi<ServicePage>("services", (signal) => getJson("/api/v1/services", {}, signal));
  if (!services.data && services.loading) return <Skeleton rows={6} />;
  const known = services.data?.services ?? [];
  if (services.data && known.length === 0) return <GettingStarted onData={() => search.run(search.query)} />;
  const total = known.reduce((sum, service) => sum + (what === "logs" ? service.log_count : service.span_count), 0);
  const hasRange = search.range.start !== null || search.range.end !== null;
  if (services.data && total === 0) {
    return (
      <EmptyState title={`No ${what} have arrived yet`}>
        <p>There is other telemetry here, from {known.length === 1 ? "one service" : `${known.length} services`}.</p>
        <div class="state-actions">
          <a class="button" href={what === "logs" ? "/traces" : "/logs"}>{what === "logs" ? "Look at traces" : "Look at logs"}</a>
        </div>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={`No ${what} match`}>
      <p>{search.query === "" ? "Nothing in this time range." : hasRange ? "Nothing in this time range has all of these terms." : "Nothing stored has all of these terms."}</p>
      <div class="state-actions">
        {hasRange && (
          <button type="button" class="button" onClick={() => search.setRange(ALL_TIME)}>
            Search all time
          </button>
        )}
        {search.query !== "" && (
          <button type="button" class="button" onClick={() => search.run("")}>
            Clear the query
          </button>
        )}
      </div>
    </EmptyState>
  );
}
