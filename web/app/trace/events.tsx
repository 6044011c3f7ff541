import type { JSX } from "preact";
import type { Attributes, Json, SpanEvent } from "../api/types";
import { duration, useZone } from "../lib/format";
import { bytesOf, withHex, type ByteMarks } from "../lib/hex";
import { BodyBlock } from "../logs/body";
import { BytesValue, textOf } from "../ui/attributes";
import { timeTitle } from "../ui/time";
import { ValueText } from "../ui/valuetext";

interface Props {
  events: SpanEvent[];
  /** When the span began, on the clock of its events. */
  spanStart: bigint;
  /** When the span began in its trace. */
  offset_ns: number;
}

/** What happened within a span; exceptions with their stack folded away. */
export function Events({ events, spanStart, offset_ns }: Props): JSX.Element | null {
  const zone = useZone();
  if (events.length === 0) return null;
  const since = (event: SpanEvent): number => Number(BigInt(event.time_unix_nano) - spanStart);
  return (
    <section class="attributes">
      <h3>
        Events <span class="muted">{events.length}</span>
      </h3>
      <ul class="events">
        {events.map((event, index) => (
          <li key={index} class={event.name === "exception" ? "event event-exception" : "event"}>
            <div class="event-head">
              <b>{event.name}</b>
              <time class="muted number" title={timeTitle(event.time_unix_nano, zone, offset_ns + since(event))}>
                {since(event) < 0 ? duration(since(event)) : `+${duration(since(event))}`}
              </time>
            </div>
            <EventBody attributes={event.attributes} bytes={event.bytes_in_attributes} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function EventValue({ value, mark }: { value: Json; mark: true | ByteMarks | undefined }): JSX.Element {
  const bytes = mark === true && typeof value === "string" ? bytesOf(value) : null;
  return bytes ? <BytesValue bytes={bytes} /> : <ValueText text={textOf(withHex(value, mark))} />;
}

function EventBody({ attributes, bytes }: { attributes: Attributes; bytes: ByteMarks | undefined }): JSX.Element {
  const stack = attributes["exception.stacktrace"];
  const rest = Object.entries(attributes).filter(([key]) => key !== "exception.stacktrace");
  return (
    <>
      {rest.length > 0 && (
        <dl class="event-attributes">
          {rest.map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>
                <EventValue value={value} mark={bytes?.[key]} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      {typeof stack === "string" && (
        <details class="stack">
          <summary>Stack trace</summary>
          <BodyBlock text={stack} pattern={null} title="Copy the stack trace" />
        </details>
      )}
    </>
  );
}
