import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { ServicePage } from "../api/types";
import { useApi } from "../api/use";
import { plural } from "../lib/format";
import { href } from "../lib/router";
import { Icon } from "../ui/icons";
import { Snippets, useFirstData, Waiting } from "../ui/started";
import { ErrorState } from "../ui/states";

/** How to send data here, and whether any has come. */
export function IngestView(): JSX.Element {
  const services = useApi<ServicePage>("ingest", (signal) => getJson("/api/v1/services", {}, signal));
  const known = services.data?.services ?? [];
  const waiting = services.data !== null && known.length === 0;
  useFirstData(waiting, services.reload);
  const sum = (key: "span_count" | "log_count"): number => known.reduce((total, service) => total + service[key], 0);
  return (
    <main class="view page">
      <div class="page-scroll" tabIndex={0}>
        <h1>Send data</h1>
        <p class="page-lead">Spoor takes OpenTelemetry over HTTP and gRPC, and logs as JSON lines. What is acknowledged is on disk and can be searched.</p>
        {services.error && <ErrorState error={services.error} retry={services.reload} />}
        {waiting && <Waiting />}
        {known.length > 0 && (
          <p class="waiting received" role="status">
            <Icon name="check" />
            <span>
              Data has come: {plural(sum("span_count"), "span")} and {plural(sum("log_count"), "log record")} of {plural(known.length, "service")} are stored.{" "}
              <a class="link" href={href(sum("log_count") > 0 ? "/logs" : "/traces")}>
                Look at the newest
              </a>
            </span>
          </p>
        )}
        <Snippets />
        <p class="page-lead">
          To ask for what was sent, by scripts or other programs, see{" "}
          <a class="link" href={href("/docs/api")}>
            the API
          </a>
          , every request to look at and to try.
        </p>
      </div>
    </main>
  );
}
