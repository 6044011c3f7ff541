import type { JSX } from "preact";
import { ago, fullTime, rowTime, type Zone } from "../lib/format";
import { nanosToMs } from "../lib/time";

interface Props {
  class: string;
  nanos: string;
  zone: Zone;
  withYear: boolean;
}

/** When a row was: to the millisecond, and under the pointer as it was sent and how long ago that is. */
export function RowTime({ nanos, zone, withYear, ...rest }: Props): JSX.Element {
  const ms = nanosToMs(nanos);
  return (
    <time class={rest.class} title={`${fullTime(nanos, zone)}\n${ago(ms, Date.now())}`}>
      {rowTime(ms, zone, withYear)}
    </time>
  );
}
