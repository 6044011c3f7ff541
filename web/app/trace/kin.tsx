import type { JSX } from "preact";
import { serviceColour } from "../lib/colour";
import { duration, plural } from "../lib/format";
import type { Kin, Kinship } from "../lib/kin";
import { href } from "../lib/router";
import { Icon } from "../ui/icons";
import { NAMELESS } from "./use-view";

interface Props {
  traceId: string;
  kin: Kinship;
  whole_ns: number;
}

/** What called a span and what it called, each on its own page. */
export function SpanKin({ traceId, kin, whole_ns }: Props): JSX.Element {
  const whole = Math.max(1, whole_ns);
  return (
    <div class="kin-scroll" tabIndex={0} role="group" aria-label="Callers and calls">
      {kin.moreAbove > 0 && <p class="hint">{plural(kin.moreAbove, "more caller", "more callers")} above</p>}
      <ul class="kin">
        {kin.rows.map((row) => (
          <KinRow key={row.ref} row={row} to={href(`/trace/${traceId}/span/${row.ref}`)} from={Math.min(1, Math.max(0, row.start_offset_ns / whole))} share={Math.min(1, row.duration_ns / whole)} />
        ))}
      </ul>
      {kin.moreBelow > 0 && <p class="hint">{plural(kin.moreBelow, "more call", "more calls")}: they are in the trace</p>}
    </div>
  );
}

/** Deeper rows do not move further to the right. */
const MOST_INDENT = 12;

function KinRow({ row, to, from, share }: { row: Kin; to: string; from: number; share: number }): JSX.Element {
  return (
    <li>
      <a class="kin-row" href={to} aria-current={row.isHere ? "true" : undefined} title={`${row.service_name}: ${row.name || NAMELESS}, ${duration(row.duration_ns)}`} style={{ "--indent": Math.min(MOST_INDENT, row.depth) }}>
        <span class="kin-name">
          <i class="service-dot" style={{ background: serviceColour(row.service_name) }} />
          <span class="kin-text">
            {row.name || NAMELESS} <span class="muted">{row.service_name}</span>
          </span>
          {row.isError && (
            <span class="error-text" title="It failed">
              <Icon name="warn" size={12} />
              <span class="sr-only">failed</span>
            </span>
          )}
        </span>
        <span class="kin-track" aria-hidden="true">
          <i class={row.isError ? "kin-bar bar-error" : "kin-bar"} style={{ left: `${from * 100}%`, width: `${Math.min(share, 1 - from) * 100}%` }} />
        </span>
        <span class="number muted">{duration(row.duration_ns)}</span>
      </a>
    </li>
  );
}
