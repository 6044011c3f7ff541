import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { HeatmapBand, SpanHeatmap } from "../api/types";
import type { Loaded } from "../api/use";
import { bandClause, bandName, limitText, BAND_STARTS } from "../lib/bands";
import { count, plural, shortTime, useZone } from "../lib/format";
import { useDark } from "../lib/prefs";
import { useSize } from "../lib/size";
import { nanosToMs } from "../lib/time";
import { readPalette } from "../trace/paint";
import { Axis } from "../ui/axis";
import { Incomplete } from "../ui/states";
import { bandsOf, bucketsOf } from "./use-heatmap";

const ROW = 11;
const MIN_ROWS = 6;
const PAD_LEFT = 58;
/** The faintest cell that has something. */
const FAINT = 0.14;

export interface Marked {
  fromMs: number;
  toMs: number;
  /** Finds the durations; empty for any. */
  clause: string;
}

/** Cells from one to another, both included, in whatever direction. */
interface Cells {
  x: number;
  y: number;
  toX: number;
  toY: number;
}

interface Props {
  map: Loaded<SpanHeatmap>;
  onMark: (marked: Marked) => void;
}

/** Spans by time and duration, the more the darker, red from below as far as they fail. A drag, or Enter, marks what is within. */
export function HeatmapChart({ map, onMark }: Props): JSX.Element {
  if (map.error) {
    return (
      <p class="hint form-error" role="alert">
        Durations did not come: {map.error.message}{" "}
        <button type="button" class="text-button" onClick={map.reload}>
          Ask again
        </button>
      </p>
    );
  }
  return map.data ? <Plot data={map.data} onMark={onMark} /> : <div class="heatmap-waiting" aria-hidden="true" />;
}

function Plot({ data, onMark }: { data: SpanHeatmap; onMark: Props["onMark"] }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width } = useSize(box);
  const dark = useDark();
  const zone = useZone();
  const [near, setNear] = useState<{ x: number; y: number } | null>(null);
  const [cells, setCells] = useState<Cells | null>(null);
  const [dragging, setDragging] = useState(false);
  const bands = useMemo(() => bandsOf(data), [data]);
  const rows = useMemo(() => shownRows(bands), [bands]);
  const columns = bucketsOf(data);
  const height = rows.length * ROW;
  const step = Math.max(1, width - PAD_LEFT) / Math.max(1, columns);
  useEffect(() => {
    if (canvas.current && width > 0) draw(canvas.current, bands, rows, { width: width - PAD_LEFT, height, step });
  }, [bands, rows, width, height, step, dark]);
  const startMs = nanosToMs(data.start_unix_nano);
  const bucketMs = data.bucket_ns / 1e6;

  const cellAt = (event: PointerEvent): { x: number; y: number } => {
    const rect = box.current?.getBoundingClientRect();
    const within = (value: number, most: number): number => Math.min(most, Math.max(0, Math.floor(value)));
    return { x: within((event.clientX - (rect?.left ?? 0) - PAD_LEFT) / step, columns - 1), y: within((event.clientY - (rect?.top ?? 0)) / ROW, rows.length - 1) };
  };
  const mark = (from: Cells): void => {
    const { left, right, top, bottom } = sorted(from);
    const whole = top === 0 && bottom === rows.length - 1;
    // Rows are the longest first. All of those shown are all there are.
    onMark({ fromMs: startMs + left * bucketMs, toMs: startMs + (right + 1) * bucketMs, clause: whole ? "" : bandClause(rows[bottom] ?? 0, rows[top] ?? 0) });
    setCells(null);
  };
  const keys = (event: KeyboardEvent): void => {
    const moves: Record<string, [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const move = moves[event.key];
    const now = cells ?? { x: columns - 1, y: Math.floor(rows.length / 2), toX: columns - 1, toY: Math.floor(rows.length / 2) };
    if (move) {
      const toX = Math.min(columns - 1, Math.max(0, now.toX + move[0]));
      const toY = Math.min(rows.length - 1, Math.max(0, now.toY + move[1]));
      setCells(event.shiftKey ? { ...now, toX, toY } : { x: toX, y: toY, toX, toY });
    } else if (event.key === "Enter") mark(now);
    else if (event.key === "Escape" && cells) setCells(null);
    else return;
    event.preventDefault();
  };
  const shown = cells && sorted(cells);
  const said = shown ?? (near && { left: near.x, right: near.x, top: near.y, bottom: near.y });
  const sum = said && inside(bands, rows, said);
  const text = said && sum ? `${bandName(rows[said.bottom] ?? 0, rows[said.top] ?? 0)}: ${plural(sum.spans, "span")}${sum.errors > 0 ? `, ${count(sum.errors)} failed` : ""}` : "";
  const tipX = said ? PAD_LEFT + (said.right + 1) * step : 0;
  return (
    <figure class="heatmap">
      <Incomplete answers={[data]} />
      <div
        ref={box}
        class="heatmap-plot"
        style={{ height: `${height}px` }}
        tabIndex={0}
        role="application"
        aria-label={`${count(data.total)} spans by time and duration. Arrow keys go from cell to cell, with Shift they mark several, Enter asks what those within have in common.`}
        onKeyDown={keys}
        onBlur={() => !dragging && setCells(null)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = cellAt(event);
          setDragging(true);
          setCells({ ...at, toX: at.x, toY: at.y });
        }}
        onPointerMove={(event) => {
          const at = cellAt(event);
          if (dragging && cells) setCells({ ...cells, toX: at.x, toY: at.y });
          setNear(at);
        }}
        onPointerLeave={() => setNear(null)}
        onPointerUp={() => {
          setDragging(false);
          if (cells) mark(cells);
        }}
        onPointerCancel={() => {
          setDragging(false);
          setCells(null);
        }}
      >
        <div class="heatmap-bands" aria-hidden="true">
          {rows.map((band, row) => {
            const start = BAND_STARTS[band] ?? 0;
            // Powers of ten; the limits between them would be a wall of numbers.
            return start > 0 && /^10*[a-z]/.test(limitText(start)) ? (
              <span key={band} style={{ top: `${(row + 1) * ROW}px` }}>
                {bandName(band).split(" – ")[0]?.replace(" or more", "")}
              </span>
            ) : null;
          })}
        </div>
        <canvas ref={canvas} aria-hidden="true" style={{ left: `${PAD_LEFT}px` }} />
        {shown && <div class="histogram-brush" style={{ left: `${PAD_LEFT + shown.left * step}px`, width: `${(shown.right - shown.left + 1) * step}px`, top: `${shown.top * ROW}px`, height: `${(shown.bottom - shown.top + 1) * ROW}px` }} />}
        {said && (
          <div class="tip" style={tipX > width - 240 ? { right: `${width - PAD_LEFT - said.left * step + 8}px` } : { left: `${tipX + 8}px` }}>
            <time>{shortTime(startMs + said.left * bucketMs, zone)}</time>
            <div class="tip-row">
              <span>{text}</span>
            </div>
          </div>
        )}
        <span class="sr-only" role="status">
          {cells ? text : ""}
        </span>
      </div>
      <div class="heatmap-axis">
        <Axis startMs={startMs} spanMs={columns * bucketMs} width={Math.max(0, width - PAD_LEFT)} zone={zone} />
      </div>
    </figure>
  );
}

const sorted = ({ x, y, toX, toY }: Cells): { left: number; right: number; top: number; bottom: number } => ({ left: Math.min(x, toX), right: Math.max(x, toX), top: Math.min(y, toY), bottom: Math.max(y, toY) });

/** Bands from the longest to the shortest, without those at both ends that have nothing. */
function shownRows(bands: ReadonlyMap<number, HeatmapBand>): number[] {
  const filled = [...bands.keys()];
  let low = Math.min(...filled, BAND_STARTS.length - 1);
  let high = Math.max(...filled, 0);
  while (high - low + 1 < MIN_ROWS && (low > 0 || high < BAND_STARTS.length - 1)) {
    if (high < BAND_STARTS.length - 1) high += 1;
    if (high - low + 1 < MIN_ROWS && low > 0) low -= 1;
  }
  return Array.from({ length: Math.max(0, high - low + 1) }, (_, at) => high - at);
}

function inside(bands: ReadonlyMap<number, HeatmapBand>, rows: number[], { left, right, top, bottom }: ReturnType<typeof sorted>): { spans: number; errors: number } {
  const sum = { spans: 0, errors: 0 };
  for (const band of rows.slice(top, bottom + 1)) {
    for (let at = left; at <= right; at += 1) {
      sum.spans += bands.get(band)?.span_count[at] ?? 0;
      sum.errors += bands.get(band)?.error_count[at] ?? 0;
    }
  }
  return sum;
}

function draw(canvas: HTMLCanvasElement, bands: ReadonlyMap<number, HeatmapBand>, rows: number[], { width, height, step }: { width: number; height: number; step: number }): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(Math.max(0, width) * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${Math.max(0, width)}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (!context) return;
  context.scale(scale, scale);
  const palette = readPalette(canvas);
  const most = Math.max(1, ...[...bands.values()].flatMap((band) => band.span_count));
  rows.forEach((band, row) => {
    const cells = bands.get(band);
    cells?.span_count.forEach((spans, at) => {
      if (spans === 0) return;
      // By the root: one cell with most of all spans would leave the others white.
      const strength = FAINT + (1 - FAINT) * Math.sqrt(spans / most);
      const share = (cells.error_count[at] ?? 0) / spans;
      const failed = share === 0 ? 0 : Math.max(2, share * (ROW - 1));
      const cellWidth = Math.max(1, step - 1);
      context.globalAlpha = strength;
      context.fillStyle = palette.of("--accent");
      context.fillRect(at * step, row * ROW, cellWidth, ROW - 1 - failed);
      context.globalAlpha = 1;
      context.fillStyle = palette.error;
      context.fillRect(at * step, row * ROW + ROW - 1 - failed, cellWidth, failed);
    });
  });
}
