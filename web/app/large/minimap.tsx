import type { JSX } from "preact";
import { useCallback } from "preact/hooks";
import { getJson } from "../api/client";
import type { SpanHistogram } from "../api/types";
import { useApi } from "../api/use";
import { contextOf, MINIMAP_HEIGHT, MinimapFrame } from "../trace/minimap";
import { readPalette } from "../trace/paint";
import type { LargeState } from "./use-large";

const BUCKETS = 300;

/** How many spans start when, and how many of them fail: all of them, as no picture of single spans could show. */
export function LargeMinimap({ state }: { state: LargeState }): JSX.Element {
  const { head, full } = state;
  const { data } = useApi<SpanHistogram>(`minimap ${head.trace_id} ${head.span_count}`, (signal) => getJson("/api/v1/spans/histogram", { query: `trace_id:${head.trace_id}`, buckets: BUCKETS }, signal));
  const paint = useCallback(
    (canvas: HTMLCanvasElement, width: number) => {
      const context = contextOf(canvas, width);
      const series = data?.series[0];
      if (!context || !data || !series) return;
      const palette = readPalette(canvas);
      const from = Number(BigInt(data.start_unix_nano) - BigInt(head.start_time_unix_nano));
      const x = (ns: number): number => ((ns - full.from) / (full.to - full.from)) * width;
      const most = Math.max(1, ...series.span_count);
      series.span_count.forEach((spans, at) => {
        if (spans === 0) return;
        const left = Math.max(0, x(from + at * data.bucket_ns));
        const right = Math.min(width, x(from + (at + 1) * data.bucket_ns));
        const height = Math.max(2, (spans / most) * (MINIMAP_HEIGHT - 8));
        context.fillStyle = palette.of("--level-info");
        context.fillRect(left, MINIMAP_HEIGHT - 2 - height, Math.max(1, right - left - 0.5), height);
        if ((series.error_count[at] ?? 0) === 0) return;
        // One error among thousands must be seen.
        context.fillStyle = palette.error;
        context.fillRect(left, 2, Math.max(2, right - left - 0.5), MINIMAP_HEIGHT - 4);
      });
    },
    [data, full],
  );
  return <MinimapFrame state={state} paint={paint} />;
}
