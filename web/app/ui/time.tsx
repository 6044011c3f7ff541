import type { JSX } from "preact";
import { ago, duration, fullTime, rowTime, signed, type Zone } from "../lib/format";
import { nanosToMs } from "../lib/time";

interface Props {
  class: string;
  nanos: string;
  zone: Zone;
  withYear: boolean;
}

/** What is said under the pointer: all digits that were sent, how long ago that is, and where in a trace. */
export const timeTitle = (nanos: string, zone: Zone, inTrace_ns?: number): string => `${fullTime(nanos, zone)}\n${ago(nanosToMs(nanos), Date.now())}${inTrace_ns === undefined ? "" : `\n${signed(inTrace_ns)} in the trace`}`;

/** When a row was: to the millisecond, and under the pointer as it was sent and how long ago that is. */
export function RowTime({ nanos, zone, withYear, ...rest }: Props): JSX.Element {
  const ms = nanosToMs(nanos);
  return (
    <time class={rest.class} title={timeTitle(nanos, zone)}>
      {rowTime(ms, zone, withYear)}
    </time>
  );
}

/** When a row was from the start of its trace. */
export function TraceTime({ nanos, since, zone }: { nanos: string; since: string; zone: Zone }): JSX.Element {
  const offset_ns = Number(BigInt(nanos) - BigInt(since));
  return (
    <time class="log-time log-offset number" title={timeTitle(nanos, zone, offset_ns)}>
      {`+${duration(offset_ns)}`.replace("+−", "−")}
    </time>
  );
}
