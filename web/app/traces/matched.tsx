import type { JSX } from "preact";
import type { TraceSummary } from "../api/types";
import type { WindowRow } from "../api/windows";
import { serviceColour } from "../lib/colour";
import { count, duration, plural, type Zone } from "../lib/format";
import { href } from "../lib/router";
import type { TraceCell } from "../lib/tracecells";
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
  /** The columns for which there is room. */
  cells: readonly TraceCell[];
}

/** A span that matches, below its trace: where in it it is, and the way to it. */
export function MatchedSpan(props: Props): JSX.Element {
  const { id, trace, span, selected, cells } = props;
  return (
    <div class="trace-line">
      <a id={id} class={selected ? "trace-row trace-match selected" : "trace-row trace-match"} href={href(`/trace/${trace.trace_id}`, { span: span.span_id })}>
        {cells.map((cell) => (
          <Cell key={cell} cell={cell} {...props} />
        ))}
      </a>
    </div>
  );
}

function Cell({ cell, trace, span, zone, cells }: Props & { cell: TraceCell }): JSX.Element {
  switch (cell) {
    case "time":
      return (
        <time class="trace-time" title={timeTitle(String(BigInt(trace.start_time_unix_nano) + BigInt(span.start_offset_ns)), zone, span.start_offset_ns)}>
          +{duration(span.start_offset_ns)}
        </time>
      );
    case "root":
      return (
        <span class="trace-root">
          <i class="service-dot" style={{ background: serviceColour(span.service_name) }} />
          <span class="trace-service">{span.service_name}</span>
          <span class="trace-name">{span.name || NAMELESS}</span>
        </span>
      );
    case "duration":
      return <Bar trace={trace} span={span} />;
    case "spans":
      // Its kind stands in a column of its own, if there is one.
      return <span class="trace-spans muted">{cells.includes("kind") ? "" : span.kind.toLowerCase()}</span>;
    case "kind":
      return <span class="trace-cell muted">{span.kind.toLowerCase()}</span>;
    case "errors":
      return (
        <span class="trace-errors number">
          {span.error && (
            <span class="error-count">
              <Icon name="warn" size={12} />
              <span class="sr-only">failed</span>
            </span>
          )}
        </span>
      );
    case "status":
      return <span class={span.error ? "trace-cell error-text" : "trace-cell muted"}>{span.error ? "error" : ""}</span>;
    case "services":
    case "matched":
    case "trace_id":
      return <span class="trace-cell" />;
  }
}

function Bar({ trace, span }: Pick<Props, "trace" | "span">): JSX.Element {
  const whole = Math.max(1, trace.duration_ns);
  const left = Math.min(99.5, Math.max(0, (span.start_offset_ns / whole) * 100));
  return (
    <span class="trace-duration">
      <span class="trace-bar" aria-hidden="true">
        <i class={span.error ? "bar-error" : ""} style={{ marginLeft: `${left}%`, width: `${Math.min(100 - left, Math.max(0.5, (span.duration_ns / whole) * 100))}%` }} />
      </span>
      <span class="number">{duration(span.duration_ns)}</span>
    </span>
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
