import type { JSX } from "preact";
import { useMemo, useRef } from "preact/hooks";
import type { Histogram } from "../api/types";
import { orderSeries, seriesColour } from "../lib/colour";
import { compact, count, shortTime, useZone, type Zone } from "../lib/format";
import { useSize } from "../lib/size";
import { nanosToMs } from "../lib/time";
import { Axis } from "../ui/axis";
import { useBrush } from "../ui/brush";
import { ChartTable } from "../ui/charttable";
import { bucketsOf, totalsOf, type LogsBefore } from "./use-histogram";

const HEIGHT = 48;
/** Of the button at the end of the axis. */
const TABLE_BUTTON_PX = 24;
/** One error among a million lines must be seen. */
const MIN_SEGMENT = 2;

interface Props {
  data: Histogram;
  /** The field that bars are stacked by. */
  by: string;
  /** The period before, as a dashed line over the bars. */
  before?: LogsBefore | null;
  stale: boolean;
  onZoom: (startMs: number, endMs: number) => void;
}

/** Records over time, stacked by a field; a drag zooms, a click zooms to one bar. */
export function StackedHistogram({ data, by, before = null, stale, onZoom }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const { width } = useSize(box);
  const zone = useZone();
  const startMs = nanosToMs(data.start_unix_nano);
  const endMs = nanosToMs(data.end_unix_nano);
  const buckets = bucketsOf(data);
  const bucketMs = data.bucket_ns / 1e6;
  const shape = useMemo(() => stack(data, by, before), [data, before]);
  const step = buckets > 0 ? width / buckets : width;
  const ghost = before ? ghostPath(before, shape.max, step) : null;

  const brush = useBrush(width, (from, to) => {
    const at = (x: number): number => startMs + (x / step) * bucketMs;
    const bucket = Math.floor(from / step);
    if (from < to) onZoom(at(from), at(to));
    else onZoom(startMs + bucket * bucketMs, startMs + (bucket + 1) * bucketMs);
  });
  const hover = brush.x === null ? null : Math.min(buckets - 1, Math.floor(brush.x / step));

  return (
    <figure class={stale ? "histogram stale" : "histogram"} aria-label={`${count(data.total)} records over time by ${by}. Drag to zoom.`}>
      <div
        ref={box}
        class="histogram-plot"
        style={{ height: `${HEIGHT}px` }}
        {...brush.handlers}
      >
        <svg width={width} height={HEIGHT} aria-hidden="true">
          <line class="histogram-base" x1="0" x2={width} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
          {hover !== null && <rect class="histogram-hover" x={hover * step} width={step} y={0} height={HEIGHT} />}
          {shape.levels.map((level) => (
            <path key={level.name} style={{ fill: level.colour }} d={pathOf(level.segments, step)} />
          ))}
          {ghost && <path class="timechart-line timechart-halo" d={ghost} />}
          {ghost && <path class="timechart-line timechart-ghost" style={{ stroke: "var(--text)" }} d={ghost} />}
        </svg>
        <span class="histogram-max">{shape.max > 0 ? compact(shape.max) : ""}</span>
        {brush.marked && <div class="histogram-brush" style={{ left: `${brush.marked.from}px`, width: `${brush.marked.to - brush.marked.from}px` }} />}
        {hover !== null && buckets > 0 && <Tip data={data} by={by} before={before} bucket={hover} x={(hover + 0.5) * step} width={width} startMs={startMs + hover * bucketMs} zone={zone} />}
      </div>
      <Axis startMs={startMs} spanMs={Math.max(buckets * bucketMs, endMs - startMs)} width={width} zone={zone} taken={TABLE_BUTTON_PX} />
      <ChartTable title="Records over time" series={tableOf(data, by, before)} startMs={startMs} bucketMs={bucketMs} format={count} />
    </figure>
  );
}

const tableOf = (data: Histogram, by: string, before: LogsBefore | null): { name: string; values: readonly (number | null)[] }[] => [
  ...orderSeries(by, data.series).map(({ name, counts }) => ({ name, values: counts })),
  ...(before ? [{ name: "before", values: before.counts }] : []),
];

interface Segment {
  bucket: number;
  y: number;
  height: number;
}

/** Of a stack this high. */
const heightOf = (value: number, max: number): number => (value / max) * (HEIGHT - 8);

/** A step for each bucket; gaps stay gaps. */
function ghostPath({ counts }: LogsBefore, max: number, step: number): string {
  let open = false;
  return counts
    .map((value, bucket) => {
      const start = open ? "L" : "M";
      open = value !== null;
      if (value === null) return "";
      const y = (HEIGHT - 1 - (max > 0 ? heightOf(value, max) : 0)).toFixed(2);
      return `${start}${(bucket * step).toFixed(2)} ${y}h${step.toFixed(2)}`;
    })
    .join("");
}

function stack(data: Histogram, by: string, before: LogsBefore | null): { max: number; levels: { name: string; colour: string; segments: Segment[] }[] } {
  const totals = totalsOf(data);
  const max = Math.max(0, ...totals, ...(before?.counts ?? []).map((value) => value ?? 0));
  const tops = new Float64Array(totals.length).fill(HEIGHT - 1);
  const levels = orderSeries(by, data.series).map((series) => {
    const segments: Segment[] = [];
    series.counts.forEach((value, bucket) => {
      if (value === 0) return;
      const height = Math.max(MIN_SEGMENT, heightOf(value, max));
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
  before: LogsBefore | null;
  bucket: number;
  x: number;
  width: number;
  startMs: number;
  zone: Zone;
}

function Tip({ data, by, before, bucket, x, width, startMs, zone }: TipProps): JSX.Element | null {
  const rows = orderSeries(by, data.series)
    .map((series) => ({ name: series.name, value: series.counts[bucket] ?? 0 }))
    .filter((row) => row.value > 0);
  const earlier = before?.counts[bucket] ?? null;
  if (rows.length === 0 && earlier === null) return null;
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
      {earlier !== null && (
        <div class="tip-row">
          <i class="swatch swatch-before" />
          <span>before</span>
          <b>{count(earlier)}</b>
        </div>
      )}
    </div>
  );
}
