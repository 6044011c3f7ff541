import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, SpanHistogram, Timeline, TimelineSpan } from "../api/types";
import { useApi } from "../api/use";
import { count, duration, percent } from "../lib/format";
import { placesOf, timeAround, type SpanPlace } from "../lib/places";
import { redSeries } from "../lib/red";
import { href } from "../lib/router";
import { LogLine } from "../ui/logline";
import { Incomplete, Skeleton } from "../ui/states";

const SHOWN = 12;

/** What else went on where a span ran, and in the database that it asked: a second before it to a second after it. */
export function Nearby({ trace, span }: { trace: Timeline; span: TimelineSpan }): JSX.Element {
  const places = placesOf(span);
  const [chosen, setChosen] = useState<string | null>(null);
  const place = places.find(({ label }) => label === chosen);
  return (
    <section class="attributes nearby" aria-label="Around it">
      <h3>
        Around it
        <span class="segmented" role="group" aria-label="What else went on in">
          {places.map(({ label, value }) => (
            <button key={label} type="button" aria-pressed={label === chosen} title={value} onClick={() => setChosen(label === chosen ? null : label)}>
              {label}
            </button>
          ))}
        </span>
      </h3>
      {place && <What key={place.label} trace={trace} span={span} place={place} />}
    </section>
  );
}

function What({ trace, span, place }: { trace: Timeline; span: TimelineSpan; place: SpanPlace }): JSX.Element {
  const range = timeAround(trace, span);
  const logs = useApi<LogPage>(place.hasLogs ? `nearby ${place.query} ${span.span_id}` : null, (signal) => getJson("/api/v1/logs", { query: place.query, ...range, order: "asc", limit: SHOWN }, signal));
  const spans = useApi<SpanHistogram>(`nearby spans ${place.query} ${span.span_id}`, (signal) => getJson("/api/v1/spans/histogram", { query: place.query, ...range, buckets: 1 }, signal));
  const red = spans.data && redSeries(spans.data);
  const error = logs.error ?? spans.error;
  const rows = logs.data?.logs ?? [];
  return (
    <>
      <p class="hint nearby-place" title={place.value}>
        <code>{place.value}</code>
        {red && (
          <a class="text-button" href={href("/traces", { q: place.query, ...range })}>
            {count(red.total)} {red.total === 1 ? "span" : "spans"}, {red.errors > 0 ? `${percent(red.errors, red.total)} failed, ` : ""}p95 {duration(red.worstP95)}
          </a>
        )}
      </p>
      {error && <p class="hint form-error">{error.message}</p>}
      <Incomplete answers={[logs.data, spans.data]} />
      {!error && !logs.data && place.hasLogs && <Skeleton rows={4} rowHeight={22} />}
      {rows.length > 0 && (
        <ul class="span-logs">
          {rows.map((log) => (
            <LogLine key={log.id} log={log} withTime mark={log.trace_id === trace.trace_id} />
          ))}
        </ul>
      )}
      {logs.data && rows.length === 0 && <p class="hint">Nothing was logged there from a second before it to a second after it.</p>}
      {place.hasLogs && (
        <a class="text-button" href={href("/logs", { q: place.query, ...range, order: "asc" })}>
          Open in Logs
        </a>
      )}
    </>
  );
}
