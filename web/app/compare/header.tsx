import type { JSX } from "preact";
import type { ComparedTrace, Comparison } from "../api/types";
import { serviceColour } from "../lib/colour";
import { sideNames, verdictText } from "../lib/compare";
import { duration, fullTime, plural, useZone, signed } from "../lib/format";
import { href } from "../lib/router";
import { CopyButton } from "../ui/copy";
import { Icon } from "../ui/icons";

const SHOWN_SERVICES = 6;

/** Which two, which took longer, and in which services the difference lies. */
export function CompareHeader({ found, onSwap }: { found: Comparison; onSwap: () => void }): JSX.Element {
  const { left, right } = found;
  const delta = right.duration_ns - left.duration_ns;
  const names = sideNames(found);
  const words = verdictText(left.duration_ns, right.duration_ns);
  return (
    <header class="compare-header">
      <h1 class="sr-only">Comparison of two traces</h1>
      <div class="compare-sides">
        <Side name={names.heads[0]} side={left} />
        <button type="button" class="icon-button compare-swap" title="Swap the two (x)" aria-label="Swap the two" onClick={onSwap}>
          <Icon name="swap" />
        </button>
        <Side name={names.heads[1]} side={right} />
        <span class="compare-verdict">
          <b class={delta > 0 ? "delta-slow" : delta < 0 ? "delta-quick" : ""}>{signed(delta)}</b>
          {words && <span class="muted">{words} {names.words[0]}</span>}
        </span>
        <CopyButton text={() => window.location.href} title="Copy a link to this" icon="link" />
      </div>
      <ServiceDeltas found={found} />
    </header>
  );
}

function Side({ name, side }: { name: string; side: ComparedTrace }): JSX.Element {
  const zone = useZone();
  return (
    <section class="compare-side" aria-label={name}>
      <span class="compare-name">
        {name}
        {side.median && (
          <span class="kind" title={`The trace in the middle of ${plural(side.median.trace_count, "trace")} of this operation, by the duration of their roots`}>
            of {plural(side.median.trace_count, "trace")}
          </span>
        )}
      </span>
      <a class="compare-title" href={href(`/trace/${side.trace_id}`)} title={`Trace ${side.trace_id}`}>
        {side.root && <i class="service-dot" style={{ background: serviceColour(side.root.service_name) }} />}
        <span>{side.root ? `${side.root.service_name} ${side.root.name}` : side.trace_id}</span>
      </a>
      <span class="compare-figures">
        <b>{duration(side.duration_ns)}</b>
        <span>{plural(side.span_count, "span")}</span>
        {side.error_count > 0 && <span class="error-text">{plural(side.error_count, "error")}</span>}
        <time class="muted">{fullTime(side.start_time_unix_nano, zone).replace(/(\.\d{3})\d+/, "$1")}</time>
      </span>
    </section>
  );
}

/** Own time by service, right minus left: bars to the right are slower. */
function ServiceDeltas({ found }: { found: Comparison }): JSX.Element | null {
  const deltas = found.services.map(({ service_name, left, right }) => ({ name: service_name, left, right, delta: right.self_time_ns - left.self_time_ns }));
  const shown = deltas.filter((each) => each.delta !== 0).slice(0, SHOWN_SERVICES);
  const most = Math.max(1, ...shown.map((each) => Math.abs(each.delta)));
  if (shown.length === 0) return null;
  const [before, after] = sideNames(found).words;
  return (
    <ul class="compare-services" aria-label="Difference in own time by service">
      {shown.map(({ name, left, right, delta }) => (
        <li key={name} title={`${name}: own time ${duration(left.self_time_ns)} in ${before}, ${duration(right.self_time_ns)} in ${after}`}>
          <i class="service-dot" style={{ background: serviceColour(name) }} />
          <span class="service-text">{name}</span>
          <DeltaBar delta={delta} most={most} />
          <span class="number">{signed(delta)}</span>
        </li>
      ))}
      {deltas.length > shown.length && <li class="muted compare-more">+{deltas.length - shown.length} with less or none</li>}
    </ul>
  );
}

/** From the middle to the right for more, to the left for less. */
export function DeltaBar({ delta, most }: { delta: number; most: number }): JSX.Element {
  const width = Math.max(1, (Math.abs(delta) / most) * 50);
  return (
    <span class="delta-bar" aria-hidden="true">
      {delta !== 0 && <i class={delta > 0 ? "delta-more" : "delta-less"} style={{ width: `${width}%`, ...(delta > 0 ? { left: "50%" } : { right: "50%" }) }} />}
    </span>
  );
}
