import { duration, type Zone } from "../lib/format";
import { timeTitle } from "../ui/time";

interface Timed {
  start_offset_ns: number;
  duration_ns: number;
  self_time_ns: number;
  clock_delta_ns?: number;
}

/** When a span began, as it was sent: all digits. The trace may show it moved. */
export const sentAt = (start_time_unix_nano: string, span: Timed): string => String(BigInt(start_time_unix_nano) + BigInt(Math.round(span.start_offset_ns - (span.clock_delta_ns ?? 0))));

/** Under the pointer: how long, and when, by the clock, from now and in the trace. */
export const spanHover = (start_time_unix_nano: string, span: Timed, zone: Zone): string =>
  `${duration(span.duration_ns)}, own time ${duration(span.self_time_ns)}\n${timeTitle(sentAt(start_time_unix_nano, span), zone, span.start_offset_ns)}`;
