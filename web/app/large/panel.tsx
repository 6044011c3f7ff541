import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { postJson } from "../api/client";
import type { SqlAnswer } from "../api/types";
import type { SimilarSpans, WindowRow } from "../api/windows";
import { useApi } from "../api/use";
import { count, duration, percent, plural, signed } from "../lib/format";
import { readGenAi } from "../lib/genai";
import { filterText } from "../lib/query";
import { href } from "../lib/router";
import { childrenStatement, detailOf, detailStatement, figuresOf, type Detail } from "../lib/spansql";
import { Events } from "../trace/events";
import { Conversation } from "../trace/genai";
import { Links, SEARCH_TRACES } from "../trace/details";
import { OwnPage } from "../trace/panel";
import { Statement } from "../trace/statement";
import { NAMELESS } from "../trace/use-view";
import { hourAround } from "../lib/time";
import { AttributeTable } from "../ui/attributes";
import { Figures, FindAttribute, Panel, PanelTool } from "../ui/panel";
import { ServiceLink, ServiceName } from "../ui/service";
import { Incomplete } from "../ui/states";
import type { LargeState } from "./use-large";

const SHOWN_GROUPS = 50;

interface Props {
  state: LargeState;
  row: WindowRow;
  onClose: () => void;
  onZoom: () => void;
}

/** What the windows do not say of a span is asked for when somebody looks at it. */
export function LargePanel(props: Props): JSX.Element {
  const { similar } = props.row;
  return similar ? <SimilarPanel {...props} similar={similar} /> : <SpanPanel {...props} />;
}

function SpanPanel({ state, row, onClose, onZoom }: Props): JSX.Element {
  const { head } = state;
  return (
    <Panel
      label="Span"
      head={<ServiceLink name={row.service_name} range={hourAround(head.start_time_unix_nano, head.duration_ns)} />}
      tools={
        <>
          <PanelTool icon="search" label="Zoom to this span" keys="z" onClick={onZoom} />
          <OwnPage traceId={head.trace_id} span={`${row.span_id}.${row.span_index}`} />
        </>
      }
      title={row.name || NAMELESS}
      onClose={onClose}
    >
      <LargeSpan traceId={head.trace_id} whole_ns={head.duration_ns} row={row} start_ns={state.startOf(row)} from_ns={state.full.from} />
    </Panel>
  );
}

interface SpanProps {
  traceId: string;
  /** How long the trace takes. */
  whole_ns: number;
  row: WindowRow;
  /** When it starts, on the clock that is shown, and when the trace does. */
  start_ns: number;
  from_ns: number;
}

/** A span of a large trace, in the panel and on its own page. */
export function LargeSpan({ traceId, whole_ns, row, start_ns, from_ns }: SpanProps): JSX.Element {
  const [needle, setNeedle] = useState("");
  const moved = start_ns - row.start_offset_ns;
  const answer = useApi<SqlAnswer>(`span ${traceId} ${row.span_id}`, (signal) => postJson("/api/v1/sql", { query: detailStatement(traceId, row.span_id) }, signal));
  const details = (answer.data?.rows ?? []).map(detailOf);
  // Two halves of one call may share an id (Zipkin).
  const detail = details.find((each) => each.kind === row.kind) ?? details[0] ?? null;
  return (
    <>
      <p class="pills">
        <span class="kind">{row.kind.toLowerCase()}</span>
        <span class={row.error ? "status status-error" : "status"}>{row.error ? "error" : "no error"}</span>
        <a class="text-button" href={href("/logs", { q: `span_id:${row.span_id}`, order: "asc" })}>
          Its logs
        </a>
        <a class="text-button" href={href("/traces", { q: `${filterText("service", row.service_name)} ${filterText("name", row.name)}` })}>
          More of this operation
        </a>
      </p>
      {detail?.status_message && <p class="status-message">{detail.status_message}</p>}
      <Figures
        figures={[
          { label: "Duration", value: duration(row.duration_ns) },
          { label: "Own time", title: "Time in which none of its children ran", value: `${duration(row.self_time_ns)} · ${percent(row.self_time_ns, row.duration_ns)}` },
          { label: "Starts at", value: `+${duration(start_ns - from_ns)}` },
          { label: "Of trace", value: percent(row.duration_ns, whole_ns) },
          { label: "Critical", title: "Time in which the end of the trace waited for this span itself", value: row.critical_time_ns > 0 ? duration(row.critical_time_ns) : "–" },
          moved !== 0 && { label: "Clock moved by", title: "The clock of its service differs from that of its caller; its times as they were sent are unchanged on disk", class: "warn-text", value: signed(moved) },
          { label: "Spans below", value: count(row.descendant_count) },
        ]}
      />
      {answer.error && <p class="hint form-error">{answer.error.message}</p>}
      <Incomplete answers={[answer.data]} />
      {detail ? <Fields detail={detail} offset_ns={row.start_offset_ns} needle={needle} onNeedle={setNeedle} /> : answer.loading && <p class="hint">Loading its attributes…</p>}
      {row.child_count > 0 && <Children key={row.span_id} traceId={traceId} row={row} />}
    </>
  );
}

/** What similar siblings come to, and the way to the longest of them. */
function SimilarPanel({ state, row, similar, onClose, onZoom }: Props & { similar: SimilarSpans }): JSX.Element {
  return (
    <Panel
      label="Similar spans"
      head={<ServiceName name={row.service_name} />}
      tools={<PanelTool icon="search" label="Zoom to these spans" keys="z" onClick={onZoom} />}
      title={`${count(similar.span_count)} × ${row.name || NAMELESS}`}
      onClose={onClose}
    >
      <p class="pills">
        <span class="kind">{row.kind.toLowerCase()}</span>
        {similar.error_count > 0 && <span class="status status-error">{plural(similar.error_count, "error")}</span>}
        <button type="button" class="text-button" onClick={() => state.openGroup(row)}>
          Show each
        </button>
        <button type="button" class="text-button" onClick={() => void state.goTo({ span_index: similar.longest_index }).catch(() => undefined)}>
          Go to the longest
        </button>
      </p>
      <Figures
        figures={[
          { label: "In all", title: "The durations of all of them added up", value: duration(similar.duration_ns) },
          { label: "From first to last", title: "From the earliest start to the latest end, and its share of the trace", value: `${duration(row.duration_ns)} · ${percent(row.duration_ns, state.head.duration_ns)}` },
          { label: "Shortest", value: duration(similar.duration_min_ns) },
          { label: "Median", value: duration(similar.duration_median_ns) },
          { label: "Longest", value: duration(similar.duration_max_ns) },
          { label: "Own time", title: "Of all of them", value: duration(row.self_time_ns) },
          { label: "Critical", title: "Time in which the end of the trace waited for one of them itself", value: row.critical_time_ns > 0 ? duration(row.critical_time_ns) : "–" },
          { label: "Spans below", value: count(row.descendant_count) },
        ]}
      />
    </Panel>
  );
}

function Fields({ detail, offset_ns, needle, onNeedle }: { detail: Detail; offset_ns: number; needle: string; onNeedle: (text: string) => void }): JSX.Element {
  const lower = needle.trim().toLowerCase();
  const said = useMemo(() => readGenAi(detail), [detail]);
  return (
    <>
      {said && <Conversation said={said} />}
      <Statement attributes={detail.attributes} />
      <Events events={detail.events} spanStart={detail.start} offset_ns={offset_ns} />
      <Links links={detail.links} />
      <FindAttribute value={needle} onInput={onNeedle} />
      <AttributeTable title="Attributes" attributes={detail.attributes} filter={SEARCH_TRACES} needle={lower} />
      <AttributeTable title="Resource" attributes={detail.resource} filter={SEARCH_TRACES} needle={lower} />
      <AttributeTable title="Scope" attributes={detail.scope} filter={null} needle={lower} />
    </>
  );
}

/** All that is directly below a span, laid together by what it does: what a wall of rows would not say. */
function Children({ traceId, row }: { traceId: string; row: WindowRow }): JSX.Element {
  const answer = useApi<SqlAnswer>(`children ${traceId} ${row.span_id}`, (signal) => postJson("/api/v1/sql", { query: childrenStatement(traceId, row.span_id, SHOWN_GROUPS) }, signal));
  const groups = (answer.data?.rows ?? []).map(figuresOf);
  return (
    <section class="attributes">
      <h3>
        Children <span class="muted">{count(row.child_count)}</span>
      </h3>
      {answer.error && <p class="hint form-error">{answer.error.message}</p>}
      <Incomplete answers={[answer.data]} />
      <ul class="child-groups">
        {groups.slice(0, SHOWN_GROUPS).map((group) => (
          <li key={`${group.service_name} ${group.name}`}>
            <span class="child-name">
              <b class="number">{count(group.spans)}&thinsp;×</b> <ServiceName name={group.service_name} /> {group.name || NAMELESS}
            </span>
            <span class="muted number">
              {duration(group.total_ns)} in all, p50 {duration(group.p50_ns)}, longest {duration(group.max_ns)}
              {group.errors > 0 && <span class="error-text">, {count(group.errors)} failed</span>}
            </span>
          </li>
        ))}
      </ul>
      {groups.length > SHOWN_GROUPS && <p class="hint">The {SHOWN_GROUPS} most frequent.</p>}
    </section>
  );
}
