import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { Json, Timeline } from "../api/types";
import { serviceColour } from "../lib/colour";
import { ago, count, duration, fullTime, percent, plural, useZone } from "../lib/format";
import { nanosToMs } from "../lib/time";
import { CopyButton } from "../ui/copy";
import { CompareMenu } from "./compare";
import { Icon } from "../ui/icons";

const SHOWN_SERVICES = 9;

/** What the trace is, in one look: its root, its figures, and which services the time went to. */
interface Props {
  trace: Timeline;
  origins: number[];
  onJumpToError: () => void;
  onJumpToOrigin: () => void;
}

export function TraceHeader({ trace, origins, onJumpToError, onJumpToOrigin }: Props): JSX.Element {
  const origin = trace.spans[origins[0] ?? -1];
  const zone = useZone();
  const root = trace.spans.find((span) => span.parent_span_id === null) ?? trace.spans[0];
  const startMs = nanosToMs(trace.start_time_unix_nano);
  return (
    <header class="trace-header">
      <div class="trace-title">
        <h1>
          {root && (
            <>
              <i class="service-dot" style={{ background: serviceColour(root.service_name) }} />
              <span class="trace-title-service">{root.service_name}</span>
              <span class="trace-title-name">{root.name}</span>
            </>
          )}
        </h1>
        <span class="trace-tools">
          <code class="trace-id hide-phone">{trace.trace_id}</code>
          <CompareMenu id={trace.trace_id} />
          <CopyButton text={trace.trace_id} title="Copy the trace id" />
          <CopyButton text={() => window.location.href} title="Copy a link to this" icon="link" />
          <Download id={trace.trace_id} />
        </span>
      </div>
      <div class="facts">
        <dl class="facts">
          <Fact label="Duration" value={duration(trace.duration_ns)} strong />
          <Fact label="Start" value={fullTime(trace.start_time_unix_nano, zone).replace(/(\.\d{3})\d+/, "$1")} title={`${fullTime(trace.start_time_unix_nano, zone)}, ${ago(startMs, Date.now())}`} />
          <Fact label="Spans" value={count(trace.span_count)} />
          <Fact label="Services" value={count(trace.services.length)} />
          <Fact label="Depth" value={count(trace.depth)} />
          <Fact label="Logs" value={count(trace.log_count)} />
        </dl>
        {trace.error_count > 0 && (
          <button type="button" class="fact-error" title="Go to the next error (e)" onClick={onJumpToError}>
            <Icon name="warn" size={12} />
            {plural(trace.error_count, "error")}
          </button>
        )}
        {origin && trace.spans.length > 1 && (
          <button type="button" class="text-button fact-origin" title="Where the error began (x)" onClick={onJumpToOrigin}>
            <Icon name="target" size={12} />
            began in {origin.service_name} <span class="muted">{origin.name}</span>
          </button>
        )}
      </div>
      <ServiceTimes trace={trace} />
      {trace.warnings.length > 0 && (
        <ul class="warnings">
          {trace.warnings.map((warning) => (
            <li key={warning.kind + warning.message}>
              <Icon name="warn" size={12} />
              {warning.message}
            </li>
          ))}
        </ul>
      )}
    </header>
  );
}

function Fact({ label, value, title, strong = false }: { label: string; value: string; title?: string; strong?: boolean }): JSX.Element {
  return (
    <div class={strong ? "fact fact-strong" : "fact"} title={title}>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** Where the time went: each service's own time, the time of its callees not counted twice. */
function ServiceTimes({ trace }: { trace: Timeline }): JSX.Element | null {
  const services = [...trace.services].sort((a, b) => b.self_time_ns - a.self_time_ns);
  const total = services.reduce((sum, service) => sum + service.self_time_ns, 0);
  if (total === 0 || services.length < 2) return null;
  const tip = (service: Timeline["services"][number]): string => `${service.service_name}: ${duration(service.self_time_ns)} own time, ${plural(service.span_count, "span")}`;
  return (
    <div class="service-times">
      <div class="service-strip" aria-hidden="true">
        {services.map((service) => (
          <i key={service.service_name} title={tip(service)} style={{ flexGrow: service.self_time_ns / total, background: serviceColour(service.service_name) }} />
        ))}
      </div>
      <ul class="service-legend" tabIndex={0} aria-label="Own time by service">
        {services.slice(0, SHOWN_SERVICES).map((service) => (
          <li key={service.service_name} title={tip(service)}>
            <i class="service-dot" style={{ background: serviceColour(service.service_name) }} />
            {service.service_name} <span class="muted">{percent(service.self_time_ns, total)}</span>
          </li>
        ))}
        {services.length > SHOWN_SERVICES && <li class="muted">+{services.length - SHOWN_SERVICES}</li>}
      </ul>
    </div>
  );
}

/** The trace as it came in, OTLP JSON. Fetched and not linked, so that the token goes along. */
function Download({ id }: { id: string }): JSX.Element {
  const [failed, setFailed] = useState<string | null>(null);
  const save = async (): Promise<void> => {
    try {
      const data = await getJson<Json>(`/api/v1/traces/${id}`, {});
      const url = URL.createObjectURL(new Blob([JSON.stringify(data)], { type: "application/json" }));
      const link = document.createElement("a");
      link.href = url;
      link.download = `trace-${id}.json`;
      link.click();
      URL.revokeObjectURL(url);
      setFailed(null);
    } catch (cause) {
      setFailed(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <button type="button" class={failed ? "icon-button icon-failed" : "icon-button"} title={failed ?? "Download as OTLP JSON"} aria-label="Download as OTLP JSON" onClick={() => void save()}>
      <Icon name="download" />
    </button>
  );
}
