import type { JSX } from "preact";
import type { SpanHistogram } from "../api/types";
import { alignBefore } from "../lib/before";
import { duration, percent } from "../lib/format";
import { usePhone } from "../lib/prefs";
import { perSecond, redSeries } from "../lib/red";
import { nanosToMs } from "../lib/time";
import { Delta } from "../ui/delta";
import { TimeChart, type ChartMark, type ChartSeries } from "../ui/timechart";

interface Props {
  data: SpanHistogram;
  /** The period before, and how long both are. */
  before: { data: SpanHistogram; lengthMs: number } | null;
  height?: number;
  marks?: readonly ChartMark[];
  onZoom: (fromMs: number, toMs: number) => void;
}

/** Rate, errors and duration side by side; the period before as a dashed line and in figures. */
export function RedFigures({ data, before, height, marks, onZoom }: Props): JSX.Element {
  // There they may stand in a row to be swiped through, which a keyboard must be able to do too.
  const phone = usePhone();
  const red = redSeries(data);
  const old = before && redSeries(before.data);
  const ghost = (name: string, values: (number | null)[]): ChartSeries | null => before && { name, colour: "var(--text)", values: alignBefore(data, red.good.length, before.data, before.lengthMs, values) };
  const shared = { startMs: nanosToMs(data.start_unix_nano), bucketMs: data.bucket_ns / 1e6, onZoom, height, marks };
  const rates = old && old.good.map((value, bucket) => value + (old.failed[bucket] ?? 0));
  const share = red.errors / Math.max(1, red.total);
  const oldShare = old ? old.errors / Math.max(1, old.total) : 0;
  return (
    <div class="red-charts" role="group" aria-label="Rate, errors and duration" tabIndex={phone ? 0 : undefined}>
      <TimeChart
        {...shared}
        title="Rate"
        headline={perSecond(red.rate)}
        delta={old && <Delta now={red.rate} before={old.rate} was={perSecond(old.rate, red.rate)} moreIsWorse={false} />}
        kind="bars"
        format={(rate) => perSecond(rate, red.rate)}
        ghost={rates && ghost("before", rates)}
        series={[
          { name: "failed", colour: "var(--error)", values: red.failed },
          { name: "good", colour: "var(--accent)", values: red.good },
        ]}
      />
      <TimeChart
        {...shared}
        title="Errors"
        headline={percent(red.errors, red.total)}
        delta={old && <Delta now={share} before={oldShare} was={percent(old.errors, old.total)} moreIsWorse share />}
        kind="lines"
        format={(value) => percent(value, 1)}
        ghost={old && ghost("before", old.errorShare)}
        series={[{ name: "failed", colour: red.errors > 0 ? "var(--error)" : "var(--level-info)", values: red.errorShare }]}
      />
      <TimeChart
        {...shared}
        title="Duration"
        headline={`p95 up to ${duration(red.worstP95)}`}
        delta={old && <Delta now={red.worstP95} before={old.worstP95} was={`up to ${duration(old.worstP95)}`} moreIsWorse />}
        kind="lines"
        format={duration}
        ghost={old && ghost("p95 before", old.p95)}
        series={[
          { name: "p50", colour: "var(--accent)", values: red.p50 },
          { name: "p95", colour: "var(--service-0)", values: red.p95 },
          { name: "p99", colour: "var(--service-3)", values: red.p99 },
        ]}
      />
    </div>
  );
}
