import type { ComponentChildren, JSX } from "preact";
import { useMemo } from "preact/hooks";
import { getJson, type Params } from "../api/client";
import type { LogPage, Timeline } from "../api/types";
import { useApi } from "../api/use";
import { findSpan, type FoundSpans, type TraceWindow } from "../api/windows";
import { LargeSpan } from "../large/panel";
import { nameOf, type Named } from "../lib/byhand";
import { criticalPath, criticalTimes } from "../lib/critical";
import { useKeys } from "../lib/keys";
import { kinOf, kinOfPath, placeOfSpan, type Kinship } from "../lib/kin";
import { href, navigate, usePlace } from "../lib/router";
import { sameIds } from "../lib/sameid";
import { withoutSkew } from "../lib/skew";
import { hourAround } from "../lib/time";
import { CopyButton } from "../ui/copy";
import { ServiceLink } from "../ui/service";
import { EmptyState, ErrorState, Incomplete, Skeleton } from "../ui/states";
import { SpanDetails } from "./details";
import { SpanKin } from "./kin";
import { useAround } from "./use-around";
import { NAMELESS } from "./use-view";
import { Failed, LOG_LIMIT, WHOLE_SPANS } from "./view";

interface Props {
  traceId: string;
  /** Its id; with its place in the trace where two spans share that. */
  span: string;
}

/** One span and its kin, at an address of its own. */
export function SpanPageView({ traceId, span }: Props): JSX.Element {
  const path = `/api/v1/traces/${encodeURIComponent(traceId)}/timeline`;
  const head = useApi<TraceWindow>(`head ${traceId}`, (signal) => getJson(path, { limit: 1 }, signal));
  if (head.error) return <main class="view">{<Failed id={traceId} answer={head} />}</main>;
  if (!head.data) return <Waiting />;
  return head.data.span_count > WHOLE_SPANS ? <OfLargeTrace head={head.data} span={span} /> : <OfTrace traceId={traceId} span={span} />;
}

const Waiting = (): JSX.Element => (
  <main class="view">
    <Skeleton rows={20} />
  </main>
);

function OfTrace({ traceId, span: ref }: Props): JSX.Element {
  const asRecorded = usePlace().params.get("clock") === "raw";
  const found = useApi<Timeline>(`timeline ${traceId}`, (signal) => getJson(`/api/v1/traces/${encodeURIComponent(traceId)}`, { view: "timeline" }, signal));
  const raw = found.data;
  const trace = useMemo(() => (raw && !asRecorded ? (withoutSkew(raw)?.trace ?? raw) : raw), [raw, asRecorded]);
  const place = trace ? placeOfSpan(trace.spans, ref) : -1;
  const critical = useMemo(() => (trace ? criticalTimes(criticalPath(trace.spans)) : null), [trace]);
  const kin = useMemo(() => (trace ? kinOf(trace.spans, place) : null), [trace, place]);
  if (found.error) return <main class="view">{<Failed id={traceId} answer={found} />}</main>;
  if (!trace || !raw) return <Waiting />;
  const span = trace.spans[place];
  if (!span || !kin) return <NoSpan traceId={traceId} answer={found.data} />;
  return (
    <Frame traceId={traceId} reference={ref} service={span.service_name} name={span.name} head={trace} kin={kin} answers={[found.data]} tools={<CopyButton text={() => JSON.stringify(span, null, 2)} title="Copy the span as JSON" />}>
      <Whole raw={raw} trace={trace} place={place} reference={ref} critical={critical?.get(place) ?? 0} />
    </Frame>
  );
}

function Whole({ raw, trace, place, reference, critical }: { raw: Timeline; trace: Timeline; place: number; reference: string; critical: number }): JSX.Element | null {
  const span = trace.spans[place];
  const query = `trace_id:${trace.trace_id} span_id:${span?.span_id ?? ""}`;
  const logs = useApi<LogPage>(span && span.log_count > 0 ? query : null, (signal) => getJson("/api/v1/logs", { query, order: "asc", limit: LOG_LIMIT } satisfies Params, signal));
  const around = useAround(raw, true);
  const shared = useMemo(() => sameIds(trace.spans), [trace]);
  if (!span) return null;
  return <SpanDetails trace={trace} index={place} span={span} critical={critical} logs={logs.data?.logs ?? []} logsHref={href(`/trace/${trace.trace_id}`, { span: reference, tab: "logs", logs: "span" })} around={around} isFile={false} sameId={shared.get(place)} onGo={(index) => navigate(ownPage(trace.trace_id, { span_id: trace.spans[index]?.span_id ?? "", span_index: index }))} />;
}

/** The page of a span, named so that others with its id are not meant. */
const ownPage = (traceId: string, span: Named): string => href(`/trace/${traceId}/span/${nameOf(span)}`);

/** Of a large trace only the rows down to the span are asked for. */
function OfLargeTrace({ head, span: ref }: { head: TraceWindow; span: string }): JSX.Element {
  const [id = "", place] = ref.split(".");
  const found = useApi<FoundSpans>(`find ${head.trace_id} ${ref}`, (signal) => findSpan(head.trace_id, { span_id: id, span_index: place }, signal));
  if (found.error) return <main class="view">{<ErrorState error={found.error} retry={found.reload} />}</main>;
  if (!found.data) return <Waiting />;
  const row = found.data.path.at(-1);
  if (!row || row.span_id !== id) return <NoSpan traceId={head.trace_id} answer={found.data} />;
  return (
    <Frame traceId={head.trace_id} reference={ref} service={row.service_name} name={row.name} head={head} kin={kinOfPath(found.data.path)} answers={[head]}>
      <LargeSpan head={head} row={row} answer={found} logsHref={href(`/trace/${head.trace_id}`, { span: ref, tab: "logs", logs: "span" })} start_ns={row.start_offset_ns} from_ns={0} onGo={(other) => navigate(ownPage(head.trace_id, other))} />
    </Frame>
  );
}

interface FrameProps {
  traceId: string;
  reference: string;
  service: string;
  name: string;
  head: { start_time_unix_nano: string; duration_ns: number };
  kin: Kinship;
  answers: (Timeline | TraceWindow | FoundSpans | null)[];
  tools?: ComponentChildren;
  children: ComponentChildren;
}

function Frame({ traceId, reference, service, name, head, kin, answers, tools, children }: FrameProps): JSX.Element {
  const back = href(`/trace/${traceId}`, { span: reference });
  useKeys({ Escape: () => navigate(back) });
  return (
    <main class="view">
      <header class="record-head">
        <ServiceLink name={service} range={hourAround(head.start_time_unix_nano, head.duration_ns)} />
        <h1 title={name || NAMELESS}>{name || NAMELESS}</h1>
        <span class="summary-end">
          <a class="text-button" href={back} title="The whole trace, with this span chosen (Esc)">
            In its trace
          </a>
          {tools}
          <CopyButton text={() => window.location.href} title="Copy the address of this span" icon="link" />
        </span>
      </header>
      <Incomplete answers={answers} />
      <div class="record-page">
        <div class="panel-scroll record-detail" tabIndex={0} role="group" aria-label="The span">
          {children}
        </div>
        <section class="record-around" aria-label="Its place in the trace">
          <h2>Its place in the trace</h2>
          <SpanKin traceId={traceId} kin={kin} whole_ns={head.duration_ns} />
        </section>
      </div>
    </main>
  );
}

function NoSpan({ traceId, answer }: { traceId: string; answer: Timeline | FoundSpans | null }): JSX.Element {
  return (
    <main class="view">
      <Incomplete answers={[answer]} />
      <EmptyState title="This span is not in its trace" isPage>
        <p>It may still be on its way, or the address is not complete.</p>
        <div class="state-actions">
          <a class="button" href={href(`/trace/${traceId}`)}>
            Open the trace
          </a>
        </div>
      </EmptyState>
    </main>
  );
}
