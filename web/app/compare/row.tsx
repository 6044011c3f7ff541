import type { JSX } from "preact";
import { serviceColour } from "../lib/colour";
import type { Names, Row } from "../lib/compare";
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
  selected: boolean;
  onOpen: () => void;
}

export function CompareHead({ names, measure }: { names: Names; measure: Measure }): JSX.Element {
  return (
    <div class="compare-head hide-phone" aria-hidden="true">
      <span>Service and operation</span>
      <span class="number">Spans</span>
      <span class="compare-bar">{measure === OWN ? "Own time" : "Duration"}</span>
      <span class="number compare-time">{names.heads[0]}</span>
      <span class="number compare-time">{names.heads[1]}</span>
      <span class="compare-bar" />
      <span class="number">Difference</span>
      <span class="number compare-own">{measure === OWN ? "" : "In own time"}</span>
    </div>
  );
}

/** Spans that do the same at the same place of both traces. */
export function GroupRow({ row, names, callerService, at, measure, scale, selected, onOpen }: Props): JSX.Element {
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
      <span class="compare-bars compare-bar" role="gridcell" aria-hidden="true">
        <i class="bar-before" style={{ width: width(left?.[measure.of], scale.time) }} />
        <i class="bar-after" style={{ width: width(right?.[measure.of], scale.time) }} />
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

const width = (ns: number | undefined, most: number): string => (ns === undefined ? "0" : `${Math.max(0.6, (ns / most) * 100)}%`);
