import type { ComponentChildren, JSX } from "preact";
import type { LogRecord, TimelineSpan } from "../api/types";
import { href, hrefWith, usePlace } from "../lib/router";
import { hourAround } from "../lib/time";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";
import { Panel, PanelTool } from "../ui/panel";
import { ServiceLink } from "../ui/service";
import { SpanDetails } from "./details";
import type { Around } from "./use-around";
import { NAMELESS, type TraceState } from "./use-view";

interface Props {
  state: TraceState;
  span: TimelineSpan;
  logs: LogRecord[];
  /** Once it has come. */
  around: Around | null;
  /** Without a server to ask what else there is. */
  isFile: boolean;
  onClose: () => void;
  onZoom: () => void;
}

/** Everything about one span, beside the waterfall. */
export function SpanPanel({ state, span, logs, around, isFile, onClose, onZoom }: Props): JSX.Element {
  const { path, params } = usePlace();
  const { trace, selected } = state;
  const reference = params.get("span") ?? span.span_id;
  const link = `${window.location.origin}${href(`/trace/${trace.trace_id}`, { span: reference })}`;
  return (
    <SpanFrame
      trace={trace}
      span={span}
      reference={isFile ? null : reference}
      tools={
        <>
          {!isFile && <CopyButton text={link} title="Copy a link to this span" icon="link" />}
          <CopyButton text={() => JSON.stringify(span, null, 2)} title="Copy the span as JSON" />
        </>
      }
      onClose={onClose}
      onZoom={onZoom}
    >
      <SpanDetails trace={trace} index={selected} span={span} critical={state.critical().times.get(selected) ?? 0} logs={logs} logsHref={hrefWith(path, params, { tab: "logs", logs: "span" })} around={around} isFile={isFile} sameId={state.sameIds.get(selected)} onGo={state.select} />
    </SpanFrame>
  );
}

interface FrameProps {
  trace: { trace_id: string; start_time_unix_nano: string; duration_ns: number };
  span: { service_name: string; name: string };
  /** The span as the address of its own page names it; null where it has none. */
  reference: string | null;
  tools?: ComponentChildren;
  onClose: () => void;
  onZoom: () => void;
  children: ComponentChildren;
}

/** The panel of one span, of a trace of any size. */
export function SpanFrame({ trace, span, reference, tools, onClose, onZoom, children }: FrameProps): JSX.Element {
  return (
    <Panel
      label="Span"
      head={<ServiceLink name={span.service_name} range={hourAround(trace.start_time_unix_nano, trace.duration_ns)} />}
      tools={
        <>
          <PanelTool icon="search" label="Zoom to this span" keys="z" onClick={onZoom} />
          {tools}
          {reference !== null && <OwnPage traceId={trace.trace_id} span={reference} />}
        </>
      }
      title={span.name || NAMELESS}
      onClose={onClose}
    >
      {children}
    </Panel>
  );
}

/** From the panel to the whole page. `span`: its id, with its place where two share that. */
function OwnPage({ traceId, span }: { traceId: string; span: string }): JSX.Element {
  return (
    <a class="icon-button" href={href(`/trace/${traceId}/span/${span}`)} title="Its own page" aria-label="Open the span on its own page">
      <Icon name="expand" />
    </a>
  );
}
