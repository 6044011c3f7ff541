import type { ComponentChildren, JSX } from "preact";
import { useRef } from "preact/hooks";
import { shortTime, useZone } from "../lib/format";
import { useSize } from "../lib/size";
import { Axis } from "./axis";
import { useBrush } from "./brush";
import { ChartTable } from "./charttable";

const HEIGHT = 98;
/** Room for the label of the highest value. */
const TOP = 17;

export interface ChartSeries {
  name: string;
  colour: string;
  /** `null` where there is nothing to say. */
  values: (number | null)[];
}

/** A moment to be marked, as when something was deployed. */
export interface ChartMark {
  ms: number;
  label: string;
}

interface Props {
  title: string;
  /** What the whole range comes to. */
  headline: string;
  /** How that differs from before. */
  delta?: ComponentChildren;
  kind: "bars" | "lines";
  /** Bars stand on each other, lines do not. */
  series: ChartSeries[];
  /** Another time's values behind them, as a dashed line. */
  ghost?: ChartSeries | null;
  marks?: readonly ChartMark[] | undefined;
  height?: number | undefined;
  startMs: number;
  bucketMs: number;
  format: (value: number) => string;
  onZoom: (startMs: number, endMs: number) => void;
}

/** A small chart over time; a drag zooms the page to a part of it. */
export function TimeChart({ title, headline, delta, kind, series, ghost, marks = [], height = HEIGHT, startMs, bucketMs, format, onZoom }: Props): JSX.Element {
  const plot = useRef<HTMLDivElement>(null);
  const { width } = useSize(plot);
  const zone = useZone();
  const buckets = series[0]?.values.length ?? 0;
  const step = buckets > 0 ? width / buckets : width;
  const found = Math.max(highest(series, kind, buckets), ...(ghost?.values.map((value) => value ?? 0) ?? []));
  const most = found > 0 ? found : 1;
  const y = (value: number): number => height - 1 - (value / most) * (height - TOP - 1);
  const brush = useBrush(width, (from, to) => {
    if (from < to) onZoom(startMs + (from / step) * bucketMs, startMs + (to / step) * bucketMs);
  });
  const placed = marks.flatMap(({ ms, label }, at) => {
    const x = ((ms - startMs) / bucketMs) * step;
    // Names one over the other can be read by nobody: the newest of several is named.
    return x >= 0 && x <= width ? [{ x, label, first: at === 0 }] : [];
  });
  const hover = brush.x === null || buckets === 0 ? null : Math.min(buckets - 1, Math.floor(brush.x / step));
  return (
    <figure class="timechart" aria-label={`${title}: ${headline}. Drag to zoom.`}>
      <figcaption>
        <span>{title}</span>
        <b>{headline}</b>
        {delta}
        <span class="timechart-end">
          {series.length > 1 && (
            <span class="timechart-legend">
              {series.map((each) => (
                <span key={each.name}>
                  <i class="swatch" style={{ background: each.colour }} />
                  {each.name}
                </span>
              ))}
            </span>
          )}
          <ChartTable title={title} series={ghost ? [...series, ghost] : series} startMs={startMs} bucketMs={bucketMs} format={format} />
        </span>
      </figcaption>
      <div ref={plot} class="histogram-plot" style={{ height: `${height}px` }} {...brush.handlers}>
        <svg width={width} height={height} aria-hidden="true">
          <line class="histogram-base" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
          <line class="timechart-top" x1="0" x2={width} y1={TOP - 0.5} y2={TOP - 0.5} />
          {hover !== null && <rect class="histogram-hover" x={hover * step} width={step} y={0} height={height} />}
          {kind === "bars"
            ? series.map((each, at) => <path key={each.name} style={{ fill: each.colour }} d={barPath(series, at, step, y)} />)
            : series.map((each) => <path key={each.name} class="timechart-line" style={{ stroke: each.colour }} d={linePath(each.values, step, y)} />)}
          {ghost && <path class="timechart-line timechart-halo" d={linePath(ghost.values, step, y)} />}
          {ghost && <path class="timechart-line timechart-ghost" style={{ stroke: ghost.colour }} d={linePath(ghost.values, step, y)} />}
          {placed.map(({ x, label }) => (
            <line key={`${x} ${label}`} class="timechart-mark" x1={x} x2={x} y1={0} y2={height} />
          ))}
        </svg>
        {placed.map(({ x, label, first }) => first && (
          <span key={label} class="timechart-mark-label" style={x > width * 0.7 ? { right: `${width - x + 3}px` } : { left: `${x + 3}px` }}>
            {label}
          </span>
        ))}
        {found > 0 && <span class="timechart-max">{format(found)}</span>}
        {brush.marked && <div class="histogram-brush" style={{ left: `${brush.marked.from}px`, width: `${brush.marked.to - brush.marked.from}px` }} />}
        {hover !== null && (
          <div class="tip" style={hover * step > width / 2 ? { right: `${width - hover * step + 8}px` } : { left: `${(hover + 1) * step + 8}px` }}>
            <time>{shortTime(startMs + hover * bucketMs, zone)}</time>
            {[...series, ...(ghost ? [ghost] : [])].map((each) => {
              const value = each.values[hover];
              return (
                <div key={each.name} class="tip-row">
                  <i class="swatch" style={{ background: each.colour }} />
                  <span>{each.name}</span>
                  <b>{value === null || value === undefined ? "–" : format(value)}</b>
                </div>
              );
            })}
          </div>
        )}
      </div>
      <Axis startMs={startMs} spanMs={buckets * bucketMs} width={width} zone={zone} />
    </figure>
  );
}

function highest(series: ChartSeries[], kind: "bars" | "lines", buckets: number): number {
  let most = 0;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const values = series.map((each) => each.values[bucket] ?? 0);
    most = Math.max(most, kind === "bars" ? values.reduce((sum, value) => sum + value, 0) : Math.max(...values));
  }
  return most;
}

function barPath(series: ChartSeries[], at: number, step: number, y: (value: number) => number): string {
  const width = Math.max(0.75, step - (step > 5 ? 1 : 0.5)).toFixed(2);
  return (series[at]?.values ?? [])
    .map((value, bucket) => {
      if (!value) return "";
      const below = series.slice(0, at).reduce((sum, each) => sum + (each.values[bucket] ?? 0), 0);
      // One error among a million spans must be seen.
      const height = Math.max(1.5, y(below) - y(below + value));
      return `M${(bucket * step).toFixed(2)} ${(y(below) - height).toFixed(2)}h${width}v${height.toFixed(2)}h-${width}z`;
    })
    .join("");
}

/** Gaps stay gaps; a value between two gaps is a short stroke. */
function linePath(values: (number | null)[], step: number, y: (value: number) => number): string {
  let path = "";
  let open = false;
  values.forEach((value, bucket) => {
    if (value === null) {
      open = false;
      return;
    }
    const x = (bucket + 0.5) * step;
    const alone = !open && (values[bucket + 1] ?? null) === null;
    if (alone) path += `M${(x - step / 2).toFixed(2)} ${y(value).toFixed(2)}h${step.toFixed(2)}`;
    else path += `${open ? "L" : "M"}${x.toFixed(2)} ${y(value).toFixed(2)}`;
    open = true;
  });
  return path;
}
