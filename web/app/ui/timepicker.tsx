import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { setZone, shortTime, useZone, type Zone } from "../lib/format";
import { isRelative, parsePoint, parseTypedRange, QUICK_RANGES, resolveRange, type Range } from "../lib/time";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Choice } from "./topbar";

interface Props {
  range: Range;
  onChange: (range: Range) => void;
}

const same = (a: Range, b: Range): boolean => a.start === b.start && a.end === b.end;

/** What stands on the button: the quick range's name, or both ends, the second without the day it shares. */
export function rangeLabel(range: Range, zone: Zone): string {
  const quick = QUICK_RANGES.find((entry) => same(entry.range, range));
  if (quick) return quick.label;
  if (!range.end && range.start && /^now-\d+[smhdw]$/.test(range.start)) return `Last ${range.start.slice(4)}`;
  const show = (text: string | null, empty: string): string => {
    if (text === null) return empty;
    const ms = isRelative({ start: text, end: null }) ? null : parsePoint(text, Date.now());
    return ms === null ? text : shortTime(ms, zone);
  };
  const from = show(range.start, "beginning");
  const to = show(range.end, "now");
  return `${from} – ${from.slice(0, 11) === to.slice(0, 11) ? to.slice(11) : to}`;
}

export function TimePicker({ range, onChange }: Props): JSX.Element {
  const zone = useZone();
  const button = (
    <>
      <Icon name="clock" />
      <span class="time-label">{rangeLabel(range, zone)}</span>
      <Icon name="down" size={12} />
    </>
  );
  return (
    <Popover button={button} title="Time range" buttonClass="button time-button">
      {(close) => (
        <RangePanel
          range={range}
          zone={zone}
          onChange={(next) => {
            onChange(next);
            close();
          }}
        />
      )}
    </Popover>
  );
}

function RangePanel({ range, zone, onChange }: Props & { zone: Zone }): JSX.Element {
  const [typed, setTyped] = useState("");
  const preview = typed.trim() === "" ? null : parseTypedRange(typed, Date.now());
  const submit = (event: Event): void => {
    event.preventDefault();
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
          placeholder="2h · yesterday · 2023-01-29 08:00 to 09:00"
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
      <Choice<Zone> label="Times in" value={zone} options={[["local", "Local"], ["utc", "UTC"]]} onChange={setZone} />
    </div>
  );
}
