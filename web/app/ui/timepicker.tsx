import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useKeys } from "../lib/keys";
import { plural, setZone, shortTime, useZone, type Zone } from "../lib/format";
import { isRelative, parsePoint, parseTypedRange, QUICK_RANGES, resolveRange, stepRange, zoomOut, type Range } from "../lib/time";
import { Icon, type IconName } from "./icons";
import { Popover } from "./popover";
import { RefreshChoice, useEvery, useRefresh } from "./refresh";
import { Choice } from "./topbar";

interface Props {
  range: Range;
  onChange: (range: Range) => void;
  /** Searches the same range again. */
  onAgain: () => void;
}

const NOTHING = (): void => undefined;
const UNITS: Record<string, string> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };
const same = (a: Range, b: Range): boolean => a.start === b.start && a.end === b.end;

/** What stands on the button: the quick range's name, or both ends, the second without the day it shares. */
export function rangeLabel(range: Range, zone: Zone): string {
  const quick = QUICK_RANGES.find((entry) => same(entry.range, range));
  if (quick) return quick.label;
  const last = range.end ? null : /^now-(\d+)([smhdw])$/.exec(range.start ?? "");
  if (last) return `Last ${plural(Number(last[1]), UNITS[last[2] ?? ""] ?? "")}`;
  const show = (text: string | null, empty: string): string => {
    if (text === null) return empty;
    const ms = isRelative({ start: text, end: null }) ? null : parsePoint(text, Date.now());
    return ms === null ? text : shortTime(ms, zone);
  };
  const from = show(range.start, "beginning");
  const to = show(range.end, "now");
  return `${from} – ${from.slice(0, 11) === to.slice(0, 11) ? to.slice(11) : to}`;
}

/** Steps aside for the keys of the page: `t` opens it, `,` and `.` step, `-` widens. */
export const TIME_BUTTON = "time-button";

export function TimePicker({ range, onChange, onAgain }: Props): JSX.Element {
  const zone = useZone();
  const every = useEvery();
  // What has an end does not change.
  const moves = range.end === null || isRelative(range);
  useRefresh(moves ? onAgain : NOTHING);
  const go = (next: Range | null): void => {
    if (next) onChange(next);
  };
  useKeys({
    t: () => document.querySelector<HTMLElement>(`.${TIME_BUTTON}`)?.click(),
    ",": () => go(stepRange(range, -1, Date.now())),
    ".": () => go(stepRange(range, 1, Date.now())),
    "-": () => go(zoomOut(range, Date.now())),
  });
  const button = (
    <>
      <Icon name="clock" />
      <span class="time-label">{rangeLabel(range, zone)}</span>
      {every && moves && (
        <span class="time-every" title={`Searched again every ${every}, but not while you read`}>
          <Icon name="reload" size={12} />
          {every}
        </span>
      )}
      <Icon name="down" size={12} />
    </>
  );
  const endless = range.start === null;
  const step = (title: string, icon: IconName, next: () => Range | null): JSX.Element => (
    <button type="button" class="time-step hide-phone" title={endless ? `${title}: needs a range with a beginning` : title} aria-label={title} disabled={endless} onClick={() => go(next())}>
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="time-group">
      {step("Step back (,)", "left", () => stepRange(range, -1, Date.now()))}
      <Popover button={button} title="Time range (t)" buttonClass={`button ${TIME_BUTTON}`}>
        {(close) => (
          <RangePanel
            range={range}
            zone={zone}
            moves={moves}
            onChange={(next) => {
              onChange(next);
              close();
            }}
          />
        )}
      </Popover>
      {step("Step forward (.)", "chevron", () => stepRange(range, 1, Date.now()))}
      {step("Zoom out (-)", "zoomout", () => zoomOut(range, Date.now()))}
    </div>
  );
}

interface PanelProps extends Omit<Props, "onAgain"> {
  zone: Zone;
  moves: boolean;
}

function RangePanel({ range, zone, moves, onChange }: PanelProps): JSX.Element {
  const [typed, setTyped] = useState("");
  const preview = typed.trim() === "" ? null : parseTypedRange(typed, Date.now(), zone);
  const submit = (event: Event): void => {
    event.preventDefault();
    event.stopPropagation();
    if (preview) onChange(preview);
  };
  const fixed = isRelative(range) ? resolveRange({ start: range.start, end: range.end ?? "now" }, Date.now()) : null;
  return (
    <div class="range-panel">
      <form onSubmit={submit}>
        <input
          class="field"
          autofocus
          aria-label="Type a time range"
          placeholder="2h · yesterday 14:00 to 15:00 · 2023-01-29"
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <p class={typed.trim() !== "" && !preview ? "hint form-error" : "hint"} aria-live="polite">
          {typed.trim() === "" ? "Also Unix time, or any pasted timestamp" : preview ? `↵ ${rangeLabel(preview, zone)}` : "Not a time that we understand yet"}
        </p>
      </form>
      <ul class="menu">
        {QUICK_RANGES.map((entry) => (
          <li key={entry.label}>
            <button type="button" aria-pressed={same(entry.range, range)} onClick={() => onChange(entry.range)}>
              {entry.label}
              {same(entry.range, range) && <Icon name="check" size={12} />}
            </button>
          </li>
        ))}
      </ul>
      {fixed && (
        <button type="button" class="button button-small" onClick={() => onChange(fixed)}>
          Fix to absolute times
        </button>
      )}
      {moves && <RefreshChoice />}
      <Choice<Zone> label="Times in" value={zone} options={[["local", "Local"], ["utc", "UTC"]]} onChange={setZone} />
    </div>
  );
}
