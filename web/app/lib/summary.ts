import type { ServiceTime } from "../api/types";
import { duration, percent, plural } from "./format";

interface Summed {
  root: { service_name: string; name: string } | undefined;
  duration_ns: number;
  span_count: number;
  error_count: number;
  /** Where the first error began. */
  origin: { service_name: string; name: string } | null | undefined;
  services: readonly ServiceTime[];
}

const NAMED = 3;

/** A trace in sentences, for who does not see its bars: what it is, how long, how wide, what failed, what it spent its time on. */
export function traceSummary({ root, duration_ns, span_count, error_count, origin, services }: Summed): string {
  const what = root ? `${root.service_name} ${root.name}`.trim() : "A trace without its root";
  const failed = error_count === 0 ? "none failed" : `${plural(error_count, "failed", "failed")}${origin ? `, first in ${origin.service_name} ${origin.name}`.trimEnd() : ""}`;
  const total = services.reduce((sum, each) => sum + each.self_time_ns, 0);
  const most = [...services].sort((a, b) => b.self_time_ns - a.self_time_ns).slice(0, NAMED);
  const spent = total === 0 ? "" : ` Most own time: ${most.map((each) => `${each.service_name} ${percent(each.self_time_ns, total)}`).join(", ")}.`;
  return `${what} took ${duration(duration_ns)}: ${plural(span_count, "span")}${services.length > 0 ? ` of ${plural(services.length, "service")}` : ""}, ${failed}.${spent}`;
}
