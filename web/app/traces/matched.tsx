import type { JSX } from "preact";
import type { TraceSummary } from "../api/types";
import type { WindowRow } from "../api/windows";
import { serviceColour } from "../lib/colour";
import { count, duration, plural, type Zone } from "../lib/format";
import { href } from "../lib/router";
import { NAMELESS } from "../trace/use-view";
import { Icon } from "../ui/icons";
import { timeTitle } from "../ui/time";
import type { Matched } from "./use-matched";

interface Props {
  id: string;
  trace: TraceSummary;
  span: WindowRow;
  selected: boolean;
  zone: Zone;
}

/** A span that matches, below its trace: where in it it is, and the way to it. */
export function MatchedSpan({ id, trace, span, selected, zone }: Props): JSX.Element {
  const at = String(BigInt(trace.start_time_unix_nano) + BigInt(span.start_offset_ns));
  const whole = Math.max(1, trace.duration_ns);
  const left = Math.min(99.5, Math.max(0, (span.start_offset_ns / whole) * 100));
  return (
    <div class="trace-line">
      <a id={id} class={selected ? "trace-row trace-match selected" : "trace-row trace-match"} href={href(`/trace/${trace.trace_id}`, { span: span.span_id })}>
        <time class="trace-time" title={timeTitle(at, zone, span.start_offset_ns)}>
          +{duration(span.start_offset_ns)}
        </time>
        <span class="trace-root">
          <i class="service-dot" style={{ background: serviceColour(span.service_name) }} />
          <span class="trace-service">{span.service_name}</span>
          <span class="trace-name">{span.name || NAMELESS}</span>
        </span>
        <span class="trace-duration">
          <span class="trace-bar" aria-hidden="true">
            <i class={span.error ? "bar-error" : ""} style={{ marginLeft: `${left}%`, width: `${Math.min(100 - left, Math.max(0.5, (span.duration_ns / whole) * 100))}%` }} />
          </span>
          <span class="number">{duration(span.duration_ns)}</span>
        </span>
        <span class="trace-spans muted">{span.kind.toLowerCase()}</span>
        <span class="trace-errors number">
          {span.error && (
            <span class="error-count">
              <Icon name="warn" size={12} />
              <span class="sr-only">failed</span>
            </span>
          )}
        </span>
      </a>
    </div>
  );
}

/** In the place of spans that are not shown. */
export function MatchedNote({ trace, matched, query }: { trace: TraceSummary; matched: Matched; query: string }): JSX.Element {
  const { state, total, spans } = matched;
  return (
    <div class="trace-line trace-note" role="status">
      {state === "loading" ? (
        <span class="muted">Looking for the spans that match…</span>
      ) : state !== "here" ? (
        <span class="form-error">{state.failed}</span>
      ) : total === 0 ? (
        <span class="muted">None of its spans matches by itself: the query is about the trace as a whole</span>
      ) : (
        <a class="text-button" href={href(`/trace/${trace.trace_id}`, { find: query })}>
          {plural(total - spans.length, "more span matches", "more spans match")}: find all {count(total)} in the trace
        </a>
      )}
    </div>
  );
}
