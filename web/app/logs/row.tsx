import type { JSX } from "preact";
import type { LogRecord } from "../api/types";
import { hasAnsi, stripAnsi } from "../lib/ansi";
import type { Zone } from "../lib/format";
import { hexText } from "../lib/hex";
import { shownBody, shownText } from "../lib/record";
import { wrappedLines } from "../lib/window";
import { AnsiText } from "../ui/ansi";
import { LevelBadge } from "../ui/level";
import { Marked } from "../ui/marked";
import { ServiceName } from "../ui/service";
import { RowTime, TraceTime } from "../ui/time";

/** The same as `--log-row` in the style sheet. */
export const ROW_HEIGHT = 17;
/** Of the comfortable density; the same as `--row` in the style sheet. */
export const ROOMY_ROW_HEIGHT = 28;
export const PHONE_ROW_HEIGHT = 46;
/** Of a wrapped record; the rest is in its detail. */
export const MAX_WRAPPED_LINES = 20;
const PHONE_HEAD = 29;
const SHOWN_CHARACTERS = 4000;

interface Props {
  log: LogRecord;
  id: string;
  selected: boolean;
  pattern: RegExp | null;
  zone: Zone;
  withYear: boolean;
  /** Of a record of a trace the start of that, from which its time is told. */
  since: string | undefined;
  columns: readonly string[];
  wrap: boolean;
  /** Characters of the body that fit. */
  fit: number;
  onOpen: () => void;
}

/** One record of the list, on one line or wrapped; the whole body is in the detail panel. */
export function LogRow({ log, id, selected, pattern, zone, withYear, since, columns, wrap, fit, onOpen }: Props): JSX.Element {
  return (
    <div id={id} class={`log-row row-${log.level}`} role="option" aria-selected={selected} style={wrap ? { height: "auto" } : undefined} onClick={onOpen}>
      {since === undefined ? <RowTime class="log-time" nanos={log.time_unix_nano} zone={zone} withYear={withYear} /> : <TraceTime nanos={log.time_unix_nano} since={since} zone={zone} />}
      {columns.map((name) => (
        <Cell key={name} log={log} name={name} />
      ))}
      <span class={wrap ? "log-body log-wrapped" : "log-body"}>{wrap ? <Text text={wrappedText(log)} pattern={pattern} /> : <Text text={snippet(oneLine(log), pattern, fit)} pattern={pattern} />}</span>
    </div>
  );
}

function Cell({ log, name }: { log: LogRecord; name: string }): JSX.Element {
  if (name === "level") return <LevelBadge level={log.level} />;
  if (name === "service") return <ServiceName name={log.service_name} />;
  const text = shownText(log, name);
  return (
    <span class="log-cell" title={text === "" ? undefined : `${name}: ${text}`}>
      {text}
    </span>
  );
}

function Text({ text, pattern }: { text: string; pattern: RegExp | null }): JSX.Element {
  return hasAnsi(text) ? <AnsiText text={text} pattern={pattern} /> : <Marked text={text} pattern={pattern} />;
}

const KEPT_HEAD = 44;
const BEFORE_MATCH = 24;
const AFTER_MATCH = 30;

/** Where the first match lies too far to the right to be seen, the middle of the line makes room. `fit`: characters in sight. */
export function snippet(line: string, pattern: RegExp | null, fit: number): string {
  if (!pattern) return line;
  const plain = stripAnsi(line);
  const at = plain.search(pattern);
  if (at < fit - AFTER_MATCH) return line;
  const head = fit > 2 * KEPT_HEAD ? `${plain.slice(0, KEPT_HEAD).trimEnd()} ` : "";
  return `${head}… ${plain.slice(Math.max(0, at - Math.min(BEFORE_MATCH, fit / 4))).trimStart()}`;
}

const shortBody = (log: LogRecord): string => {
  // Of a body of bytes as many are written in hex as are shown at most.
  const body = log.body === null ? (log.event_name ?? "") : log.body_type === "bytes" ? hexText(log.body.slice(0, SHOWN_CHARACTERS)) : shownBody(log);
  return body.length > SHOWN_CHARACTERS ? body.slice(0, SHOWN_CHARACTERS) : body;
};

export function oneLine(log: LogRecord): string {
  return shortBody(log).replace(/\s*\n\s*/g, " ↵ ").replace(/\t/g, "  ");
}

/** As it came, but for tabs, whose width would depend on where they stand. */
export const wrappedText = (log: LogRecord): string => shortBody(log).replace(/\r/g, "").replace(/\t/g, "    ").trimEnd();

export function rowHeight(log: LogRecord, fit: number, phone: boolean, roomy = false): number {
  const lines = wrappedLines(stripAnsi(wrappedText(log)), fit, MAX_WRAPPED_LINES) * ROW_HEIGHT;
  return phone ? PHONE_HEAD + lines : roomy ? ROOMY_ROW_HEIGHT - ROW_HEIGHT + lines : lines;
}
