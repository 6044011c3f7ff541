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
  onOpen: () => void;
}

/** One line of the list; the whole body is in the detail panel. */
export function LogRow({ log, id, selected, pattern, zone, withYear, onOpen }: Props): JSX.Element {
  return (
    <div id={id} class={`log-row row-${log.level}`} role="option" aria-selected={selected} onClick={onOpen}>
      <time class="log-time">{rowTime(nanosToMs(log.time_unix_nano), zone, withYear)}</time>
      <LevelBadge level={log.level} />
      <ServiceName name={log.service_name} />
      <span class="log-body">
        <Marked text={snippet(oneLine(log), pattern)} pattern={pattern} />
      </span>
    </div>
  );
}

/** Where a match lies too far to the right to be seen, the middle of the line makes room for it. */
const VISIBLE_CHARACTERS = 90;
const KEPT_HEAD = 44;
const BEFORE_MATCH = 24;

export function snippet(line: string, pattern: RegExp | null): string {
  if (!pattern) return line;
  const at = line.search(pattern);
  if (at < VISIBLE_CHARACTERS) return line;
  return `${line.slice(0, KEPT_HEAD).trimEnd()} … ${line.slice(at - BEFORE_MATCH).trimStart()}`;
}

export function oneLine(log: LogRecord): string {
  const body = log.body ?? log.event_name ?? "";
  const short = body.length > SHOWN_CHARACTERS ? body.slice(0, SHOWN_CHARACTERS) : body;
  return short.replace(/\s*\n\s*/g, " ↵ ").replace(/\t/g, "  ");
}
