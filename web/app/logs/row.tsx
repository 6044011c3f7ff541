import type { JSX } from "preact";
import type { LogRecord } from "../api/types";
import { rowTime, type Zone } from "../lib/format";
import { nanosToMs } from "../lib/time";
import { LevelBadge } from "../ui/level";
import { Marked } from "../ui/marked";
import { ServiceName } from "../ui/service";

export const ROW_HEIGHT = 18;
export const PHONE_ROW_HEIGHT = 46;
const SHOWN_CHARACTERS = 700;

interface Props {
  log: LogRecord;
  id: string;
  selected: boolean;
  pattern: RegExp | null;
  zone: Zone;
  onOpen: () => void;
}

/** One line of the list; the whole body is in the detail panel. */
export function LogRow({ log, id, selected, pattern, zone, onOpen }: Props): JSX.Element {
  return (
    <div id={id} class={`log-row row-${log.level}`} role="option" aria-selected={selected} onClick={onOpen}>
      <time class="log-time">{rowTime(nanosToMs(log.time_unix_nano), zone)}</time>
      <LevelBadge level={log.level} />
      <ServiceName name={log.service_name} />
      <span class="log-body">
        <Marked text={oneLine(log)} pattern={pattern} />
      </span>
    </div>
  );
}

export function oneLine(log: LogRecord): string {
  const body = log.body ?? log.event_name ?? "";
  const short = body.length > SHOWN_CHARACTERS ? body.slice(0, SHOWN_CHARACTERS) : body;
  return short.replace(/\s*\n\s*/g, " ↵ ").replace(/\t/g, "  ");
}
