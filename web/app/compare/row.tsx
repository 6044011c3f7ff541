import type { JSX } from "preact";
import { serviceColour } from "../lib/colour";
import type { ComparedGroup, ComparedSpans } from "../api/types";
import { barsOf, type Axis, type Bar, type Names, type Row } from "../lib/compare";
import { count, duration, signed } from "../lib/format";
import { Icon } from "../ui/icons";
import { DeltaBar } from "./header";

export const COMPARE_ROW = 30;
export const PHONE_COMPARE_ROW = 58;

/** Which time is shown, and which difference. */
export interface Measure {
  of: "duration_ns" | "self_time_ns";
  delta: "delta_ns" | "self_delta_ns";
}

export const WHOLE: Measure = { of: "duration_ns", delta: "delta_ns" };
export const OWN: Measure = { of: "self_time_ns", delta: "self_delta_ns" };

interface Props {
  row: Row;
  names: Names;
  /** The service of the caller, which need not be said again. */
  callerService: string | null;
  /** Among the rows shown, from 1. */
  at: number;
  /** Own time is shown without the tree. */
  measure: Measure;
  scale: { time: number; delta: number };
  axis: Axis;
  selected: boolean;
  onOpen: () => void;
}

export function CompareHead({ names, measure, axis }: { names: Names; measure: Measure; axis: Axis }): JSX.Element {
  return (
    <div class="compare-head hide-phone" aria-hidden="true">
      <span>Service and operation</span>
      <span class="number">Spans</span>
      {measure === OWN ? <span class="compare-bar">Own time</span> : <Scale axis={axis} />}
      <span class="number compare-time">{names.heads[0]}</span>
      <span class="number compare-time">{names.heads[1]}</span>
      <span class="compare-bar" />
      <span class="number">Difference</span>
      <span class="number compare-own">{measure === OWN ? "" : "In own time"}</span>
    </div>
  );
}

/** Over which time the bars lie. */
function Scale({ axis }: { axis: Axis }): JSX.Element {
  const middle = (axis.from + axis.to) / 2;
  return (
    <span class="compare-bar compare-scale" title="From when the roots began">
      <span>{axis.from === 0 ? "0" : signed(axis.from)}</span>
      <span>{duration(middle)}</span>
      <span>{duration(axis.to)}</span>
    </span>
  );
}

/** Spans that do the same at the same place of both traces. */
export function GroupRow({ row, names, callerService, at, measure, scale, axis, selected, onOpen }: Props): JSX.Element {
  const { group, verdict } = row;
  const flat = measure === OWN;
  const delta = row[measure.delta];
  const { left, right } = group;
  const errors = (left?.error_count ?? 0) + (right?.error_count ?? 0);
  const word = verdict === "added" ? `only in ${names.words[1]}` : verdict === "removed" ? `only in ${names.words[0]}` : verdict === "failed" ? "failed" : null;
  return (
    <div
      id={`group-${row.index}`}
      class={`compare-row compare-${verdict}`}
      role="row"
      aria-level={flat ? 1 : group.depth + 1}
      aria-rowindex={at}
      aria-selected={selected}
      style={{ "--depth": String(flat ? 0 : group.depth), "--service": serviceColour(group.service_name) }}
      onClick={onOpen}
    >
      <span class="compare-what" role="gridcell" title={`${group.service_name}  ${group.name}`}>
        <i class="span-stripe" aria-hidden="true" />
        {(flat || callerService !== group.service_name) && <span class="span-service">{group.service_name}</span>}
        <span class="span-name">{group.name}</span>
        {word && <span class="compare-word">{word}</span>}
        {errors > 0 && verdict !== "failed" && (
          <span class="span-alert" title="With errors">
            <Icon name="warn" size={12} />
          </span>
        )}
      </span>
      <span class="number" role="gridcell">
        {left && right && left.span_count === right.span_count ? count(left.span_count) : `${count(left?.span_count ?? 0)} → ${count(right?.span_count ?? 0)}`}
      </span>
      <span class={flat ? "compare-bars compare-bar" : "compare-bars compare-bar compare-times"} role="gridcell" aria-hidden="true" title={flat ? undefined : whenText(names, group)}>
        <Track class="bar-before" bars={flat ? lengthOf(left, scale.time) : barsOf(left, axis, 0)} />
        <Track class="bar-after" bars={flat ? lengthOf(right, scale.time) : barsOf(right, axis, 1)} />
      </span>
      <span class="number hide-phone compare-time" role="gridcell">
        {left ? duration(left[measure.of]) : <span class="muted">–</span>}
      </span>
      <span class="number hide-phone compare-time" role="gridcell">
        {right ? duration(right[measure.of]) : <span class="muted">–</span>}
      </span>
      <span class="hide-phone compare-bar" role="gridcell" aria-hidden="true">
        <DeltaBar delta={delta} most={scale.delta} />
      </span>
      <span class={`number compare-delta${verdict === "same" ? " muted" : delta > 0 ? " delta-slow" : delta < 0 ? " delta-quick" : ""}`} role="gridcell">
        {signed(delta)}
      </span>
      <span class="number muted hide-phone compare-own" role="gridcell">
        {flat ? "" : signed(row.self_delta_ns)}
      </span>
    </div>
  );
}

/** Own time is of no moment: only how long it is can be drawn. */
const lengthOf = (side: ComparedSpans | null, most: number): Bar[] => (side ? [{ left: 0, width: Math.max(0.6, (side.self_time_ns / most) * 100) }] : []);

const whenText = (names: Names, { left, right }: ComparedGroup): string => [left, right].flatMap((side, at) => (side ? [`${names.heads[at]}: from +${duration(side.start_offset_ns)}, ${duration(side.duration_ns)}`] : [])).join("\n");

function Track({ bars, ...rest }: { class: string; bars: Bar[] }): JSX.Element {
  return (
    <span class="compare-track">
      {bars.map((bar, at) => (
        <i key={at} class={rest.class} style={{ left: `${bar.left}%`, width: `${bar.width}%` }} />
      ))}
    </span>
  );
}
