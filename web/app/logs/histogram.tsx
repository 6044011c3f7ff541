import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import type { Histogram } from "../api/types";
import { orderSeries, seriesColour } from "../lib/colour";
import { axisTime, compact, count, shortTime, useZone, type Zone } from "../lib/format";
import { useSize } from "../lib/size";
import { nanosToMs } from "../lib/time";

const HEIGHT = 48;
/** One error among a million lines must be seen. */
const MIN_SEGMENT = 2;
const DRAG_THRESHOLD = 4;

interface Props {
  data: Histogram;
  /** The field that bars are stacked by. */
  by: string;
  stale: boolean;
  onZoom: (startMs: number, endMs: number) => void;
}

/** Records over time, stacked by a field; a drag zooms, a click zooms to one bar. */
export function StackedHistogram({ data, by, stale, onZoom }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const zone = useZone();
  const [hover, setHover] = useState<number | null>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const startMs = nanosToMs(data.start_unix_nano);
  const endMs = nanosToMs(data.end_unix_nano);
  const buckets = Math.max(0, ...data.series.map((series) => series.counts.length));
  const bucketMs = data.bucket_ns / 1e6;
  const shape = useMemo(() => stack(data, by, buckets), [data]);
  const step = buckets > 0 ? width / buckets : width;

  const xOf = (event: PointerEvent): number => {
    const left = box.current?.getBoundingClientRect().left ?? 0;
    return Math.min(width, Math.max(0, event.clientX - left));
  };
  const release = (): void => {
    if (!drag || width === 0) return;
    setDrag(null);
    const [a, b] = drag.from < drag.to ? [drag.from, drag.to] : [drag.to, drag.from];
    const at = (x: number): number => startMs + (x / step) * bucketMs;
    if (b - a >= DRAG_THRESHOLD) onZoom(at(a), at(b));
    else {
      const bucket = Math.floor(a / step);
      onZoom(startMs + bucket * bucketMs, startMs + (bucket + 1) * bucketMs);
    }
  };

  return (
    <figure class={stale ? "histogram stale" : "histogram"} aria-label={`${count(data.total)} records over time by ${by}. Drag to zoom.`}>
      <div
        ref={box}
        class="histogram-plot"
        style={{ height: `${HEIGHT}px` }}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const x = xOf(event);
          setDrag({ from: x, to: x });
        }}
        onPointerMove={(event) => {
          const x = xOf(event);
          setHover(Math.min(buckets - 1, Math.floor(x / step)));
          if (drag) setDrag({ ...drag, to: x });
        }}
        onPointerLeave={() => setHover(null)}
        onPointerUp={release}
        onPointerCancel={() => setDrag(null)}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          <line class="histogram-base" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
          {hover !== null && <rect class="histogram-hover" x={hover * step} width={step} y={0} height={HEIGHT} />}
          {shape.levels.map((level) => (
            <path key={level.name} style={{ fill: level.colour }} d={pathOf(level.segments, step)} />
          ))}
        </svg>
        <span class="histogram-max">{shape.max > 0 ? compact(shape.max) : ""}</span>
        {drag && Math.abs(drag.to - drag.from) >= DRAG_THRESHOLD && (
          <div class="histogram-brush" style={{ left: `${Math.min(drag.from, drag.to)}px`, width: `${Math.abs(drag.to - drag.from)}px` }} />
        )}
        {hover !== null && buckets > 0 && <Tip data={data} by={by} bucket={hover} x={(hover + 0.5) * step} width={width} startMs={startMs + hover * bucketMs} zone={zone} />}
      </div>
      <Axis startMs={startMs} spanMs={Math.max(buckets * bucketMs, endMs - startMs)} width={width} zone={zone} />
    </figure>
  );
}

interface Segment {
  bucket: number;
  y: number;
  height: number;
}

function stack(data: Histogram, by: string, buckets: number): { max: number; levels: { name: string; colour: string; segments: Segment[] }[] } {
  const totals = Array.from({ length: buckets }, (_, bucket) => data.series.reduce((sum, series) => sum + (series.counts[bucket] ?? 0), 0));
  const max = Math.max(0, ...totals);
  const tops = new Float64Array(buckets).fill(HEIGHT - 1);
  const levels = orderSeries(by, data.series).map((series) => {
    const segments: Segment[] = [];
    series.counts.forEach((value, bucket) => {
      if (value === 0) return;
      const height = Math.max(MIN_SEGMENT, (value / max) * (HEIGHT - 8));
      const top = (tops[bucket] ?? HEIGHT) - height;
      tops[bucket] = top;
      segments.push({ bucket, y: top, height });
    });
    return { name: series.name, colour: seriesColour(by, series.name), segments };
  });
  return { max, levels };
}

function pathOf(segments: Segment[], step: number): string {
  const gap = step > 5 ? 1 : step > 2.5 ? 0.5 : 0;
  const width = Math.max(0.75, step - gap).toFixed(2);
  return segments.map((s) => `M${(s.bucket * step).toFixed(2)} ${s.y.toFixed(2)}h${width}v${s.height.toFixed(2)}h-${width}z`).join("");
}

interface TipProps {
  data: Histogram;
  by: string;
  bucket: number;
  x: number;
  width: number;
  startMs: number;
  zone: Zone;
}

function Tip({ data, by, bucket, x, width, startMs, zone }: TipProps): JSX.Element | null {
  const rows = orderSeries(by, data.series)
    .map((series) => ({ name: series.name, value: series.counts[bucket] ?? 0 }))
    .filter((row) => row.value > 0);
  if (rows.length === 0) return null;
  const onLeft = x > width - 190;
  return (
    <div class="tip" style={onLeft ? { right: `${width - x + 8}px` } : { left: `${x + 8}px` }}>
      <time>{shortTime(startMs, zone)}</time>
      {rows.map((row) => (
        <div key={row.name} class="tip-row">
          <i class="swatch" style={{ background: seriesColour(by, row.name) }} />
          <span>{row.name}</span>
          <b>{count(row.value)}</b>
        </div>
      ))}
    </div>
  );
}

const AXIS_STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5,
  1728e5, 6048e5, 14 * 864e5, 30 * 864e5, 91 * 864e5, 182 * 864e5, 365 * 864e5, 730 * 864e5,
];

function Axis({ startMs, spanMs, width, zone }: { startMs: number; spanMs: number; width: number; zone: Zone }): JSX.Element {
  const labels: JSX.Element[] = [];
  if (spanMs > 0 && width > 0) {
    const wanted = Math.max(2, Math.floor(width / 110));
    const stepMs = AXIS_STEPS_MS.find((step) => spanMs / step <= wanted) ?? 3650 * 864e5;
    for (const at of axisPoints(startMs, startMs + spanMs, stepMs, zone)) {
      const x = ((at - startMs) / spanMs) * width;
      if (x < width - 30) labels.push(<span key={at} style={{ left: `${x}px` }}>{axisTime(at, stepMs, zone)}</span>);
    }
  }
  return <div class="histogram-axis" aria-hidden="true">{labels}</div>;
}

const MONTH_MS = 30 * 864e5;

/** Where labels stand: round clock times, or the first of months, whose lengths differ. */
function axisPoints(fromMs: number, toMs: number, stepMs: number, zone: Zone): number[] {
  const points: number[] = [];
  if (stepMs < MONTH_MS) {
    const shift = zone === "utc" ? 0 : new Date(fromMs).getTimezoneOffset() * 6e4;
    for (let at = Math.ceil((fromMs - shift) / stepMs) * stepMs + shift; at < toMs; at += stepMs) points.push(at);
    return points;
  }
  const months = Math.max(1, Math.round(stepMs / (365 * 864e5 / 12)));
  const year = new Date(fromMs).getUTCFullYear();
  for (let month = 0; ; month += months) {
    const at = zone === "utc" ? Date.UTC(year, month, 1) : new Date(year, month, 1).getTime();
    if (at >= toMs) return points;
    if (at >= fromMs) points.push(at);
  }
}
