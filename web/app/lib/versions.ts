import type { SpanHistogram } from "../api/types";
import { redOf } from "./red";
import { nanosToMs } from "./time";

/** One version of a service, as its resource calls it. */
export interface Version {
  name: string;
  spans: number;
  errors: number;
  worstP95: number;
  /** When its first and its last spans of the range began, to a bucket. */
  firstMs: number;
  lastMs: number;
  /** It came in the range, when others had been there already. */
  isNew: boolean;
}

/** What is no version. */
const SUMMED = ["(other)", "(none)"];

/** The versions of a histogram by `service.version`, the newest first. */
export function versionsOf(data: SpanHistogram): Version[] {
  const start = nanosToMs(data.start_unix_nano);
  const width = data.bucket_ns / 1e6;
  const found = data.series.flatMap((series): Version[] => {
    const first = series.span_count.findIndex((count) => count > 0);
    if (series.name === null || SUMMED.includes(series.name) || first === -1) return [];
    const red = redOf(series, data.bucket_ns);
    const last = series.span_count.findLastIndex((count) => count > 0);
    return [{ name: series.name, spans: red.total, errors: red.errors, worstP95: red.worstP95, firstMs: start + first * width, lastMs: start + last * width, isNew: false }];
  });
  const earliest = Math.min(...found.map(({ firstMs }) => firstMs));
  return found.map((version) => ({ ...version, isNew: version.firstMs > earliest })).sort((a, b) => b.firstMs - a.firstMs || b.spans - a.spans);
}
