import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LogRecord } from "../api/types";
import { duration } from "../lib/format";
import { ticksOf, type Tick } from "../lib/ticks";
import type { Place } from "./frame";
import type { TraceState } from "./use-view";

const REACH_PX = 5;

interface Props {
  state: TraceState;
  logsBySpan: Map<string, LogRecord[]>;
  place: Place;
}

/** What the event or log record under the pointer says: a canvas has no titles. */
export function TickTip({ state, logsBySpan, place }: Props): JSX.Element | null {
  const [found, setFound] = useState<{ row: number; x: number; tick: Tick } | null>(null);
  const { left, first, box } = place;
  const { perNs, barWidth, rowHeight } = place.geometry;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const start = BigInt(state.trace.start_time_unix_nano);
    const move = (event: PointerEvent): void => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[role="row"]') : null;
      const index = target ? Number(target.id.slice("span-".length)) : -1;
      const span = state.trace.spans[index];
      const x = event.clientX - element.getBoundingClientRect().left - left;
      const near = span
        ? ticksOf(span, start, logsBySpan.get(span.span_id))
            .map((tick) => ({ tick, x: (tick.ns - state.zoom.from) * perNs }))
            .filter((each) => Math.abs(each.x - x) <= REACH_PX)
            .sort((a, b) => Math.abs(a.x - x) - Math.abs(b.x - x))[0]
        : undefined;
      setFound(near ? { row: state.rows.indexOf(index), ...near } : null);
    };
    const leave = (): void => setFound(null);
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerleave", leave);
    return () => {
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerleave", leave);
    };
  }, [state.trace, state.rows, state.zoom.from, perNs, left, logsBySpan]);
  if (!found) return null;
  const side = found.x > barWidth - 260 ? { right: `calc(100% - ${left + found.x - 8}px)` } : { left: `${left + found.x}px` };
  return (
    <div class="tip tick-tip" style={{ top: `${(found.row - first + 1) * rowHeight}px`, ...side }}>
      <time>+{duration(found.tick.ns)}</time>
      <div>{found.tick.title}</div>
    </div>
  );
}
