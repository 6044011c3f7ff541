import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { Json, ServiceTime, Timeline } from "../api/types";
import { serviceColour } from "../lib/colour";
import { saveFile } from "../lib/download";
import { about, count, duration, percent, plural, signed } from "../lib/format";
import { filterText } from "../lib/query";
import { setParams, usePlace } from "../lib/router";
import { standFor } from "../lib/sampling";
import type { Skew } from "../lib/skew";
import { traceSummary } from "../lib/summary";
import { Icon } from "../ui/icons";
import { CompareMenu } from "./compare";
import { TokenFact } from "./genai";
import { PinMenu } from "./pin";
import { ErrorFact, Fact, OriginFact, StartFact, TraceSummary, TraceTitle } from "./title";

const SHOWN_SERVICES = 9;

/** A file in the place of the server. */
export interface TraceFile {
  name: string;
  /** This trace, as OTLP JSON. */
  json: () => string;
}

interface Props {
  trace: Timeline;
  file: TraceFile | null;
  skew: Skew | null;
  /** Times are shown as they were sent, clocks that disagree or not. */
  asRecorded: boolean;
  origins: number[];
  onJumpToError: () => void;
  onJumpToOrigin: () => void;
}

/** What the trace is, in one look: its root, its figures, and which services the time went to. */
export function TraceHeader({ trace, file, skew, asRecorded, origins, onJumpToError, onJumpToOrigin }: Props): JSX.Element {
  const origin = trace.spans[origins[0] ?? -1];
  const root = trace.spans.find((span) => span.parent_span_id === null) ?? trace.spans[0];
  return (
    <header class="trace-header">
      <TraceSummary text={traceSummary({ ...trace, root, origin })} />
      <TraceTitle root={root} id={trace.trace_id} hasLink={!file}>
        {!file && <PinMenu id={trace.trace_id} />}
        {!file && <CompareMenu id={trace.trace_id} />}
        <Download id={trace.trace_id} file={file} />
      </TraceTitle>
      <div class="facts">
        <dl class="facts">
          <Fact label="Duration" value={duration(trace.duration_ns)} strong />
          <StartFact nanos={trace.start_time_unix_nano} />
          <SpanFact trace={trace} />
          <Fact label="Services" value={count(trace.services.length)} />
          <Fact label="Depth" value={count(trace.depth)} />
          <Fact label="Logs" value={count(trace.log_count)} />
          <TokenFact spans={trace.spans} />
        </dl>
        <ErrorFact errors={trace.error_count} onNext={onJumpToError} />
        {origin && trace.spans.length > 1 && <OriginFact service={origin.service_name} name={origin.name} keys="x" onClick={onJumpToOrigin} />}
      </div>
      {skew && <ClockToggle skew={skew} asRecorded={asRecorded} />}
      <ServiceTimes services={trace.services} />
      <Warnings warnings={trace.warnings} />
    </header>
  );
}

/** How many spans there are, and how many requests those stand for if they were sampled. */
function SpanFact({ trace }: { trace: Timeline }): JSX.Element {
  const all = useMemo(() => standFor(trace.spans), [trace]);
  if (all === null || all <= trace.spans.length) return <Fact label="Spans" value={count(trace.span_count)} />;
  return <Fact label="Spans" value={`${count(trace.span_count)}, stand for about ${about(all)}`} title="They were sampled: their tracestate or attributes say how many each of them stands for" />;
}

export function Warnings({ warnings }: { warnings: Timeline["warnings"] }): JSX.Element | null {
  if (warnings.length === 0) return null;
  return (
    <ul class="warnings">
      {warnings.map((warning) => (
        <li key={warning.kind + warning.message}>
          <Icon name="warn" size={12} />
          {warning.message}
        </li>
      ))}
    </ul>
  );
}

const NAMED_MACHINES = 2;

/** Says that times were changed, by how much, and takes it back. */
export function ClockToggle({ skew, asRecorded }: { skew: Pick<Skew, "machines" | "largest_ns">; asRecorded: boolean }): JSX.Element {
  const { machines } = skew;
  const named = machines.slice(0, NAMED_MACHINES).map((machine) => `${machine.name} by ${signed(machine.delta_ns)}`);
  const rest = machines.length > NAMED_MACHINES ? ` and ${machines.length - NAMED_MACHINES} more` : "";
  return (
    <div class="clock" title={machines.map((machine) => `${machine.name}: ${signed(machine.delta_ns)}, ${plural(machine.spans, "span")}`).join("\n")}>
      <Icon name="clock" size={12} />
      <span>{asRecorded ? `Times as recorded, though clocks are up to ${duration(skew.largest_ns)} apart` : `Clocks disagree; adjusted: ${named.join(", ")}${rest}`}</span>
      <span class="segmented" role="group" aria-label="Clock">
        <button type="button" aria-pressed={!asRecorded} onClick={() => setParams({ clock: null, zoom: null }, "replace")}>
          Adjusted
        </button>
        <button type="button" aria-pressed={asRecorded} onClick={() => setParams({ clock: "raw", zoom: null }, "replace")}>
          Raw
        </button>
      </span>
    </div>
  );
}

/** Where the time went: each service's own time, the time of its callees not counted twice. One that is clicked is searched for in the timeline. */
export function ServiceTimes({ services: given }: { services: readonly ServiceTime[] }): JSX.Element | null {
  const find = usePlace().params.get("find");
  const services = [...given].sort((a, b) => b.self_time_ns - a.self_time_ns);
  const total = services.reduce((sum, service) => sum + service.self_time_ns, 0);
  if (total === 0 || services.length < 2) return null;
  const critical = (ns: number | undefined): string => (ns === undefined ? "" : `, ${duration(ns)} of the critical path`);
  const tip = (service: ServiceTime): string => `${service.service_name}: ${duration(service.self_time_ns)} own time${critical(service.critical_time_ns)}, ${plural(service.span_count, "span")}`;
  return (
    <div class="service-times">
      <div class="service-strip" aria-hidden="true">
        {services.map((service) => (
          <i key={service.service_name} title={tip(service)} style={{ flexGrow: service.self_time_ns / total, background: serviceColour(service.service_name) }} />
        ))}
      </div>
      <ul class="service-legend" aria-label="Own time by service">
        {services.slice(0, SHOWN_SERVICES).map((service) => {
          const query = filterText("service", service.service_name);
          return (
            <li key={service.service_name}>
              <button type="button" aria-pressed={find === query} title={`${tip(service)}\nFind its spans`} onClick={() => setParams({ find: find === query ? null : query, tab: null }, "replace")}>
                <i class="service-dot" style={{ background: serviceColour(service.service_name) }} />
                {service.service_name} <span class="muted">{percent(service.self_time_ns, total)}</span>
              </button>
            </li>
          );
        })}
        {services.length > SHOWN_SERVICES && <li class="muted">+{services.length - SHOWN_SERVICES}</li>}
      </ul>
    </div>
  );
}

/** The trace as it came in, OTLP JSON. Fetched and not linked, so that the token goes along. */
export function Download({ id, file }: { id: string; file: TraceFile | null }): JSX.Element {
  const [failed, setFailed] = useState<string | null>(null);
  const save = async (): Promise<void> => {
    try {
      const text = file ? file.json() : JSON.stringify(await getJson<Json>(`/api/v1/traces/${id}`, {}));
      saveFile([text], `trace-${id}.json`, "application/json");
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
