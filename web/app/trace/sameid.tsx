import type { JSX } from "preact";
import { count, duration } from "../lib/format";
import { sameIdText } from "../lib/sameid";
import { Icon } from "../ui/icons";
import { ServiceName } from "../ui/service";
import { NAMELESS } from "./use-view";

/** A span as it is named among those that share its id. */
export interface Sharing {
  index: number;
  service_name: string;
  name: string;
  kind: string;
  start_offset_ns: number;
}

interface Props {
  /** How many others there are, of which `spans` may be the first. */
  others: number;
  isCall: boolean;
  /** When the span itself starts. */
  start_ns: number;
  spans: readonly Sharing[];
  onGo: (index: number) => void;
}

/** More are not named: whoever makes so many repeats one id for all. */
export const SHOWN_SHARING = 20;

/** That other spans have the id of this one, and the way to them. */
export function SameIdNote({ others, isCall, start_ns, spans, onGo }: Props): JSX.Element {
  return (
    <section class="same-id" aria-label="Spans with the same id">
      <p>
        <Icon name={isCall ? "link" : "warn"} size={12} /> {sameIdText(others, isCall)}.
      </p>
      <ul>
        {spans.slice(0, SHOWN_SHARING).map((span) => (
          <li key={span.index}>
            <button type="button" class="text-button" title="Go to this span" onClick={() => onGo(span.index)}>
              <ServiceName name={span.service_name} />
              <span class="same-id-name">{span.name || NAMELESS}</span>
              <span class="muted number">
                {span.kind.toLowerCase()}, {whenText(span.start_offset_ns - start_ns)}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {others > SHOWN_SHARING && <p class="hint">The first {SHOWN_SHARING} of {count(others)}.</p>}
    </section>
  );
}

/** Against the span itself: from the start of a long trace they would all be as far. */
const whenText = (ns: number): string => (ns === 0 ? "at the same time" : `${duration(Math.abs(ns))} ${ns < 0 ? "before" : "after"}`);

/** The same in a row: of the halves of a call, which are nothing odd, only a sign. */
export function SameIdFlag({ others, isCall }: { others: number; isCall: boolean }): JSX.Element | null {
  if (!(others > 0)) return null;
  const text = sameIdText(others, isCall);
  if (isCall) {
    return (
      <span class="span-half" title={text}>
        <Icon name="link" size={12} />
      </span>
    );
  }
  return (
    <span class="span-flag" title={text}>
      same id × {count(others + 1)}
    </span>
  );
}
