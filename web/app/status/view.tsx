import type { ComponentChildren, JSX } from "preact";
import { getJson } from "../api/client";
import type { Status } from "../api/types";
import { useApi } from "../api/use";
import { ago, bytes, compact, count, duration } from "../lib/format";
import { byLabel, quantile, total, type Metrics } from "../lib/metrics";
import { ErrorState, Skeleton } from "../ui/states";
import { Sparkline } from "../ui/sparkline";
import { Retention } from "./retention";
import { Running } from "./running";
import { UsageByService } from "./usage";
import { useSamples, type Samples } from "./use-samples";

/** Is it well: what comes in, what is refused, what is on disk, how queries fare. From /metrics, every few seconds. */
export function StatusView(): JSX.Element {
  const status = useApi<Status>("status", (signal) => getJson("/api/v1/status", {}, signal));
  const samples = useSamples();
  const last = samples.all.at(-1);
  return (
    <main class="view page">
      <div class="page-scroll" tabIndex={0}>
        <h1>Status</h1>
        {samples.error && <ErrorState error={samples.error} retry={samples.retry} />}
        {!last && !samples.error && <Skeleton rows={8} rowHeight={40} />}
        {last && (
          <>
            <p class="page-lead">
              {status.data ? `Version ${status.data.version}, ${status.data.ready ? "ready" : "recovering"}, started` : status.error ? `Version unknown (${status.error.message}), started` : "Started"} {ago((total(last.metrics, "process_start_time_seconds") ?? 0) * 1000, last.atMs)}. Rates are of the last minutes, since this page was opened.
            </p>
            <Ingest samples={samples} metrics={last.metrics} />
            <Storage samples={samples} metrics={last.metrics} />
            <Queries samples={samples} metrics={last.metrics} />
            <Running />
            <UsageByService />
            <Retention />
          </>
        )}
      </div>
    </main>
  );
}

interface PartProps {
  samples: Samples;
  metrics: Metrics;
}

function Ingest({ samples, metrics }: PartProps): JSX.Element {
  const rejected = byLabel(metrics, "spoor_collector_rejected_records_total", "reason").filter((entry) => entry.value > 0);
  return (
    <Section title="Ingest">
      <Rate label="Spans" unit="/s" samples={samples} name="spoor_collector_accepted_records_total" where={{ signal: "traces" }} />
      <Rate label="Log records" unit="/s" samples={samples} name="spoor_collector_accepted_records_total" where={{ signal: "logs" }} />
      <Rate label="Bytes" unit="/s" samples={samples} name="spoor_collector_received_bytes_total" show={bytes} />
      <Figure label="Rejected records" value={count(total(metrics, "spoor_collector_rejected_records_total") ?? 0)} bad={rejected.length > 0}>
        {rejected.slice(0, 5).map((entry) => (
          <div key={entry.name} class="figure-line">
            <span>{entry.name}</span>
            <b>{count(entry.value)}</b>
          </div>
        ))}
      </Figure>
    </Section>
  );
}

function Storage({ samples, metrics }: PartProps): JSX.Element {
  const value = (name: string): number => total(metrics, `spoor_storage_${name}`) ?? 0;
  const troubles: [string, string][] = [
    ["Failed flushes", "flush_failures_total"],
    ["Failed merges", "compaction_failures_total"],
    ["Files set aside", "quarantined_files"],
    ["Broken log records", "wal_corrupt_records_total"],
    ["Indexes not used", "index_fallbacks_total"],
  ];
  const bad = troubles.filter(([, name]) => value(name) > 0);
  return (
    <Section title="Storage">
      <Figure label="Files" value={count(value("files"))} note={`${bytes(value("file_bytes"))}, indexes ${bytes(value("index_bytes"))}`} />
      <Figure label="Not yet in files" value={`${compact(value("buffer_rows"))} rows`} note={bytes(value("buffer_bytes"))}>
        <Sparkline values={samples.all.map((sample) => total(sample.metrics, "spoor_storage_buffer_bytes") ?? 0)} label="Bytes of the buffer over time" />
      </Figure>
      <Figure label="Write-ahead log" value={bytes(value("wal_bytes"))} />
      <Figure label="Waiting to be merged" value={count(value("compaction_debt_files"))} note="files" />
      <Figure label="Free disk" value={bytes(value("free_disk_bytes"))} />
      <Figure label="Troubles" value={bad.length === 0 ? "none" : String(bad.length)} bad={bad.length > 0}>
        {bad.map(([label, name]) => (
          <div key={name} class="figure-line">
            <span>{label}</span>
            <b>{count(value(name))}</b>
          </div>
        ))}
      </Figure>
    </Section>
  );
}

function Queries({ samples, metrics }: PartProps): JSX.Element {
  const seconds = (share: number): string => {
    const found = quantile(metrics, "spoor_query_duration_seconds", share);
    return found === null ? "–" : duration(found * 1e9);
  };
  return (
    <Section title="Queries">
      <Rate label="Answered" unit="/s" samples={samples} name="spoor_query_finished_total" />
      <Figure label="Running" value={count(total(metrics, "spoor_query_running") ?? 0)} />
      <Figure label="Duration, since the start" value={seconds(0.5)} note={`p95 ${seconds(0.95)}`} />
      <Figure label="Refused" value={count(total(metrics, "spoor_query_refused_total") ?? 0)} bad={(total(metrics, "spoor_query_refused_total") ?? 0) > 0} />
      <Figure label="Incomplete answers" value={count(total(metrics, "spoor_query_incomplete_total") ?? 0)} bad={(total(metrics, "spoor_query_incomplete_total") ?? 0) > 0} />
      <Figure label="Memory of the process" value={bytes(total(metrics, "process_resident_memory_bytes") ?? 0)} />
    </Section>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="status-section">
      <h2>{title}</h2>
      <dl class="figures">{children}</dl>
    </section>
  );
}

interface FigureProps {
  label: string;
  value: string;
  note?: string;
  bad?: boolean;
  children?: ComponentChildren;
}

function Figure({ label, value, note, bad = false, children }: FigureProps): JSX.Element {
  return (
    <div class={bad ? "figure figure-bad" : "figure"}>
      <dt>{label}</dt>
      <dd>
        <b>{value}</b> {note && <span class="muted">{note}</span>}
        {children}
      </dd>
    </div>
  );
}

interface RateProps {
  label: string;
  unit: string;
  samples: Samples;
  name: string;
  where?: Record<string, string>;
  show?: (value: number) => string;
}

function Rate({ label, unit, samples, name, where = {}, show = (value) => compact(Math.round(value * 10) / 10) }: RateProps): JSX.Element {
  const rates = samples.rates(name, where);
  const now = rates.at(-1);
  return (
    <Figure label={label} value={now === undefined ? "…" : `${show(now)}${unit}`} note={`${show(total(samples.all.at(-1)?.metrics ?? new Map(), name, where) ?? 0)} since the start`}>
      <Sparkline values={rates} label={`${label} per second over time`} />
    </Figure>
  );
}
