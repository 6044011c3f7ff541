import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Attributes, LogRecord } from "../api/types";
import { ago, fullTime, useZone } from "../lib/format";
import { scopeAttributes } from "../lib/record";
import { href } from "../lib/router";
import { nanosToMs } from "../lib/time";
import { AttributeTable, type FilterAction } from "../ui/attributes";
import { Icon } from "../ui/icons";
import { FindAttribute } from "../ui/panel";
import { BodyBlock, BytesBlock } from "./body";

interface Props {
  log: LogRecord;
  pattern: RegExp | null;
  filter: FilterAction | null;
  /** Shows the lines around the record. */
  onContext?: (() => void) | undefined;
  /** Not shown where the trace is the page itself. */
  withTrace?: boolean;
}

/** All there is of a record: its text, then its fields by where they come from. */
export function LogDetail({ log, pattern, filter, onContext, withTrace = true }: Props): JSX.Element {
  const zone = useZone();
  const [needle, setNeedle] = useState("");
  const stack = log.attributes["exception.stacktrace"];
  const lower = needle.trim().toLowerCase();
  return (
    <>
      <h2 class="sr-only">Log record</h2>
      <p class="panel-time">
        <time>{fullTime(log.time_unix_nano, zone)}</time>
        <span class="muted">{ago(nanosToMs(log.time_unix_nano), Date.now())}</span>
      </p>
      {log.body_type === "bytes" ? <BytesBlock base64={log.body ?? ""} /> : <BodyBlock text={log.body ?? ""} pattern={pattern} title="Copy the body" />}
      {onContext && (
        <button type="button" class="text-button" title="Lines around this one (c)" onClick={onContext}>
          <Icon name="context" size={12} />
          Lines around it
        </button>
      )}
      {typeof stack === "string" && <BodyBlock text={stack} pattern={pattern} title="Copy the stack trace" />}
      {withTrace && log.trace_id && <TraceLink log={log} traceId={log.trace_id} />}
      <FindAttribute value={needle} onInput={setNeedle} />
      <AttributeTable title="Attributes" attributes={log.attributes} bytes={log.bytes_in_attributes} filter={filter} pattern={pattern} needle={lower} />
      <AttributeTable title="Fields of the body" scope="body" before={[log.attributes]} attributes={log.body_fields} bytes={log.bytes_in_body_fields} filter={filter} pattern={pattern} needle={lower} />
      <AttributeTable title="Resource" scope="resource" before={[log.attributes, log.body_fields, log.scope.attributes]} attributes={log.resource} bytes={log.bytes_in_resource} filter={filter} pattern={pattern} needle={lower} />
      <AttributeTable title="Scope" attributes={scopeAttributes(log.scope)} bytes={log.scope.bytes_in_attributes} scope="scope" filter={null} pattern={pattern} needle={lower} />
      <AttributeTable title="Record" attributes={recordOf(log, zone)} filter={null} needle={lower} />
    </>
  );
}

function TraceLink({ log, traceId }: { log: LogRecord; traceId: string }): JSX.Element {
  return (
    <a class="trace-link" href={href(`/trace/${traceId}`, { span: log.span_id })}>
      <span class="trace-link-steps" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      <span class="trace-link-text">
        <b>Open its trace</b>
        <code>{traceId}</code>
      </span>
      <Icon name="chevron" />
    </a>
  );
}

function recordOf(log: LogRecord, zone: "local" | "utc"): Attributes {
  return {
    ...(log.severity_text ? { severity_text: log.severity_text } : {}),
    severity_number: log.severity_number,
    ...(log.event_name ? { event_name: log.event_name } : {}),
    ...(log.observed_time_unix_nano ? { observed_time: fullTime(log.observed_time_unix_nano, zone) } : {}),
    ...(log.trace_id ? { trace_id: log.trace_id } : {}),
    ...(log.span_id ? { span_id: log.span_id } : {}),
  };
}
