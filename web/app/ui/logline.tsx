import type { JSX } from "preact";
import type { LogRecord } from "../api/types";
import { rowTime, useZone } from "../lib/format";
import { nanosToMs } from "../lib/time";
import { oneLine } from "../logs/row";
import { LevelBadge } from "./level";
import { timeTitle } from "./time";

/** `08:48:16.546` */
const CLOCK = 12;

interface Props {
  log: LogRecord;
  /** Its time of day is said. */
  withTime?: boolean;
  /** It stands out among the others. */
  mark?: boolean;
}

/** A record as one line of a short list. */
export function LogLine({ log, withTime = false, mark = false }: Props): JSX.Element {
  const zone = useZone();
  return (
    <li class={`row-${log.level}${mark ? " span-log-own" : ""}`}>
      {withTime && (
        <time class="muted" title={timeTitle(log.time_unix_nano, zone)}>
          {rowTime(nanosToMs(log.time_unix_nano), zone).slice(-CLOCK)}
        </time>
      )}
      <LevelBadge level={log.level} />
      <span title={(log.body ?? "").slice(0, 2000)}>{oneLine(log)}</span>
    </li>
  );
}
