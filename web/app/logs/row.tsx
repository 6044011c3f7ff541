import type { JSX } from "preact";
import type { LogRecord } from "../api/types";
import { rowTime, type Zone } from "../lib/format";
import { nanosToMs } from "../lib/time";
import { LevelBadge } from "../ui/level";
import { Marked } from "../ui/marked";
import { ServiceName } from "../ui/service";

export const ROW_HEIGHT = 18;
export const PHONE_ROW_HEIGHT = 46;
const SHOWN_CHARACTERS = 4000;

interface Props {
  log: LogRecord;
  id: string;
  selected: boolean;
  pattern: RegExp | null;
  zone: Zone;
  withYear: boolean;
  /** Characters of the body that fit. */
  fit: number;
  onOpen: () => void;
}

/** One line of the list; the whole body is in the detail panel. */
export function LogRow({ log, id, selected, pattern, zone, withYear, fit, onOpen }: Props): JSX.Element {
  return (
    <div id={id} class={`log-row row-${log.level}`} role="option" aria-selected={selected} onClick={onOpen}>
      <time class="log-time">{rowTime(nanosToMs(log.time_unix_nano), zone, withYear)}</time>
      <LevelBadge level={log.level} />
      <ServiceName name={log.service_name} />
      <span class="log-body">
        <Marked text={snippet(oneLine(log), pattern, fit)} pattern={pattern} />
      </span>
    </div>
  );
}

const KEPT_HEAD = 44;
const BEFORE_MATCH = 24;
const AFTER_MATCH = 30;

/** Where the first match lies too far to the right to be seen, the middle of the line makes room. `fit`: characters in sight. */
export function snippet(line: string, pattern: RegExp | null, fit: number): string {
  if (!pattern) return line;
  const at = line.search(pattern);
  if (at < fit - AFTER_MATCH) return line;
  const head = fit > 2 * KEPT_HEAD ? `${line.slice(0, KEPT_HEAD).trimEnd()} ` : "";
  return `${head}… ${line.slice(Math.max(0, at - Math.min(BEFORE_MATCH, fit / 4))).trimStart()}`;
}

export function oneLine(log: LogRecord): string {
  const body = log.body ?? log.event_name ?? "";
  const short = body.length > SHOWN_CHARACTERS ? body.slice(0, SHOWN_CHARACTERS) : body;
  return short.replace(/\s*\n\s*/g, " ↵ ").replace(/\t/g, "  ");
}
