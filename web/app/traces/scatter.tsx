import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { TraceSummary } from "../api/types";
import { duration, rowTime, shortTime, useZone } from "../lib/format";
import { navigate } from "../lib/router";
import { useSize } from "../lib/size";
import { nanosToMs } from "../lib/time";

const HEIGHT = 96;
const PAD_TOP = 8;
const PAD_BOTTOM = 8;
const PAD_LEFT = 52;
const PAD_RIGHT = 10;
const REACH = 14;

interface Dot {
  x: number;
  y: number;
  trace: TraceSummary;
}

/** Farther up or down than this, a drag marks durations too. */
const MIN_RISE = 14;

export interface Area {
  fromMs: number;
  toMs: number;
  shortest_ns: number;
  longest_ns: number;
}

interface Props {
  traces: TraceSummary[];
  onZoom: (fromMs: number, toMs: number) => void;
  onMark: (area: Area) => void;
}

interface Drag {
  from: { x: number; y: number };
  to: { x: number; y: number };
}

/**
 * The traces of the list as dots: when, and how long on a logarithmic scale. A click opens the nearest, a drag along
 * the time zooms to it, and one across marks the traces within.
 */
export function Scatter({ traces, onZoom, onMark }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const zone = useZone();
  const [near, setNear] = useState<Dot | null>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const plot = useMemo(() => layOut(traces, width), [traces, width]);
  const inner = Math.max(1, width - PAD_LEFT - PAD_RIGHT);
  const timeAt = (x: number): number => plot.fromMs + ((Math.min(width - PAD_RIGHT, Math.max(PAD_LEFT, x)) - PAD_LEFT) / inner) * (plot.toMs - plot.fromMs);

  const marked = drag && boxOf(drag);
  const isAcross = marked !== null && marked.bottom - marked.top > MIN_RISE;
  const point = (event: PointerEvent): { x: number; y: number } => {
    const rect = box.current?.getBoundingClientRect();
    return { x: event.clientX - (rect?.left ?? 0), y: event.clientY - (rect?.top ?? 0) };
  };
  return (
    <figure class="scatter" aria-label={`Durations of ${traces.length} traces over time. The list below has the same traces.`}>
      <div
        ref={box}
        class={near ? "scatter-plot scatter-near" : "scatter-plot"}
        style={{ height: `${HEIGHT}px` }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = point(event);
          setDrag({ from: at, to: at });
        }}
        onPointerMove={(event) => {
          const at = point(event);
          if (drag) setDrag({ ...drag, to: at });
          setNear(nearest(plot.dots, at.x, at.y));
        }}
        onPointerLeave={() => setNear(null)}
        onPointerUp={() => {
          if (marked && isAcross) onMark({ fromMs: timeAt(marked.left), toMs: timeAt(marked.right), shortest_ns: plot.durationAt(marked.bottom), longest_ns: plot.durationAt(marked.top) });
          else if (marked) onZoom(timeAt(marked.left), timeAt(marked.right));
          else if (near) navigate(`/trace/${near.trace.trace_id}`);
          setDrag(null);
        }}
        onPointerCancel={() => setDrag(null)}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          {plot.lines.map((line) => (
            <g key={line.label}>
              <line class="scatter-line" x1={PAD_LEFT} x2={width - PAD_RIGHT} y1={line.y} y2={line.y} />
              <text class="scatter-label" x={PAD_LEFT - 8} y={line.y + 3.5} text-anchor="end">
                {line.label}
              </text>
            </g>
          ))}
          {plot.dots.map((dot) => (
            <circle key={dot.trace.trace_id} class={dot.trace.error_count > 0 ? "dot dot-error" : "dot"} cx={dot.x} cy={dot.y} r={dot.trace.error_count > 0 ? 3 : 2.5} />
          ))}
          {near && <circle class="dot-near" cx={near.x} cy={near.y} r={5} />}
        </svg>
        {marked && (
          <div class="histogram-brush" style={{ left: `${marked.left}px`, width: `${marked.right - marked.left}px`, ...(isAcross ? { top: `${marked.top}px`, height: `${marked.bottom - marked.top}px` } : {}) }} />
        )}
        {near && !drag && (
          <div class="tip" style={near.x > width - 260 ? { right: `${width - near.x + 10}px` } : { left: `${near.x + 10}px` }}>
            <time>{rowTime(nanosToMs(near.trace.start_time_unix_nano), zone)}</time>
            <div class="tip-row">
              <span>{near.trace.root ? `${near.trace.root.service_name} ${near.trace.root.name}` : near.trace.trace_id}</span>
              <b>{duration(near.trace.duration_ns)}</b>
            </div>
          </div>
        )}
      </div>
      <div class="scatter-ends" aria-hidden="true">
        <span>{shortTime(plot.fromMs, zone)}</span>
        <span>{shortTime(plot.toMs, zone)}</span>
      </div>
    </figure>
  );
}

/** What a drag marks, once it is more than a click. */
function boxOf({ from, to }: Drag): { left: number; right: number; top: number; bottom: number } | null {
  if (Math.abs(to.x - from.x) <= 6) return null;
  return { left: Math.min(from.x, to.x), right: Math.max(from.x, to.x), top: Math.max(0, Math.min(from.y, to.y)), bottom: Math.min(HEIGHT, Math.max(from.y, to.y)) };
}

interface Plot {
  dots: Dot[];
  lines: { y: number; label: string }[];
  fromMs: number;
  toMs: number;
  durationAt: (y: number) => number;
}

function layOut(traces: TraceSummary[], width: number): Plot {
  const times = traces.map((trace) => nanosToMs(trace.start_time_unix_nano));
  const fromMs = Math.min(...times);
  const toMs = Math.max(...times, fromMs + 1);
  const logs = traces.map((trace) => Math.log10(Math.max(1000, trace.duration_ns)));
  const low = Math.floor(Math.min(...logs) * 2) / 2;
  const high = Math.max(low + 1, Math.ceil(Math.max(...logs) * 2) / 2);
  const inner = width - PAD_LEFT - PAD_RIGHT;
  const yOf = (log: number): number => HEIGHT - PAD_BOTTOM - ((log - low) / (high - low)) * (HEIGHT - PAD_TOP - PAD_BOTTOM);
  const dots = traces.map((trace, index) => ({
    trace,
    x: PAD_LEFT + (((times[index] ?? fromMs) - fromMs) / (toMs - fromMs)) * inner,
    y: yOf(logs[index] ?? low),
  }));
  const every = high - low > 4 ? 2 : 1;
  const lines: { y: number; label: string }[] = [];
  for (let power = Math.ceil(low); power <= high; power += every) lines.push({ y: Math.round(yOf(power)) + 0.5, label: powerLabel(power) });
  const durationAt = (y: number): number => 10 ** (low + ((HEIGHT - PAD_BOTTOM - y) / (HEIGHT - PAD_TOP - PAD_BOTTOM)) * (high - low));
  return { dots, lines, fromMs, toMs, durationAt };
}

/** `10 ms`, `100 s`: powers of ten of nanoseconds, without minutes and hours, which are not powers of ten. */
function powerLabel(power: number): string {
  const unit = Math.min(3, Math.floor(power / 3));
  return `${10 ** (power - unit * 3)} ${["ns", "µs", "ms", "s"][unit]}`;
}

function nearest(dots: Dot[], x: number, y: number): Dot | null {
  let best: Dot | null = null;
  let bestDistance = REACH;
  for (const dot of dots) {
    const distance = Math.hypot(dot.x - x, dot.y - y);
    if (distance < bestDistance) {
      best = dot;
      bestDistance = distance;
    }
  }
  return best;
}
