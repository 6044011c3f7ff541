import type { JSX } from "preact";
import type { Attributes, SpanEvent } from "../api/types";
import { duration } from "../lib/format";
import { BodyBlock } from "../logs/body";
import { textOf } from "../ui/attributes";

/** What happened within a span; exceptions with their stack folded away. */
export function Events({ events }: { events: SpanEvent[] }): JSX.Element | null {
  if (events.length === 0) return null;
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
              <span class="muted number">+{duration(event.offset_ns)}</span>
            </div>
            <EventBody attributes={event.attributes} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function EventBody({ attributes }: { attributes: Attributes }): JSX.Element {
  const stack = attributes["exception.stacktrace"];
  const rest = Object.entries(attributes).filter(([key]) => key !== "exception.stacktrace");
  return (
    <>
      {rest.length > 0 && (
        <dl class="event-attributes">
          {rest.map(([key, value]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{textOf(value)}</dd>
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
