import type { JSX } from "preact";
import type { LogRecord } from "../api/types";
import { oneLine } from "../logs/row";
import { LevelBadge } from "./level";

/** A record as one line of a short list. `mark`: it stands out among the others. */
export function LogLine({ log, time, mark = false }: { log: LogRecord; time?: string; mark?: boolean }): JSX.Element {
  return (
    <li class={`row-${log.level}${mark ? " span-log-own" : ""}`}>
      {time !== undefined && <time class="muted">{time}</time>}
      <LevelBadge level={log.level} />
      <span title={(log.body ?? "").slice(0, 2000)}>{oneLine(log)}</span>
    </li>
  );
}
