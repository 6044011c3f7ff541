import type { ComponentChildren, JSX } from "preact";
import { count } from "../lib/format";
import { Icon } from "../ui/icons";
import { NAMELESS } from "./use-view";

interface Props {
  index: number;
  /** Among the rows shown, from 1. */
  row: number;
  depth: number;
  selected: boolean;
  /** `span-error`, `span-dim` and so on. */
  class: string;
  colour: string;
  service: string;
  name: string;
  /** The service of the row above in the tree: the name is said where it changes. */
  caller: string | undefined;
  /** What can be opened and closed; null when nothing is below. */
  below: Below | null;
  /** How many spans the row stands for. */
  times?: number;
  onSelect: () => void;
  /** For those who do not see the bars. */
  said: string;
  /** What is said under the pointer beside the bar. */
  hover?: string;
  /** What stands at the end of the name: flags and counts. */
  children?: ComponentChildren;
}

interface Below {
  open: boolean;
  /** How many spans are hidden when it is closed; 0 says nothing. */
  spans: number;
  openLabel: string;
  closeLabel: string;
  onToggle: () => void;
  onDouble?: boolean;
}

/** The text of one row of a waterfall; its bar is on the canvas behind. */
export function SpanLine({ index, row, depth, selected, colour, service, name, caller, below, times, onSelect, said, hover, children, ...rest }: Props): JSX.Element {
  const prefix = times === undefined ? "" : `${count(times)} × `;
  return (
    <div
      id={`span-${index}`}
      class={`span-row ${rest.class}`}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={row}
      aria-expanded={below?.open}
      aria-selected={selected}
      style={{ "--depth": String(depth), "--service": colour }}
      onClick={onSelect}
      onDblClick={below?.onDouble ? below.onToggle : undefined}
    >
      <div class="span-tree" role="gridcell">
        <span class="span-guides" aria-hidden="true" />
        {below ? <Twist {...below} /> : <span class="span-twist" />}
        <i class="span-stripe" aria-hidden="true" />
        {times !== undefined && <b class="span-times number">{count(times)}&thinsp;×</b>}
        <span class="span-label" title={`${prefix}${service}  ${name}`}>
          {caller !== service && <span class="span-service">{service}</span>}
          <span class="span-name">{name || NAMELESS}</span>
        </span>
        {children}
      </div>
      <div class="span-cell" role="gridcell" title={hover}>
        <span class="sr-only">{said}</span>
      </div>
    </div>
  );
}

function Twist({ open, spans, openLabel, closeLabel, onToggle }: Below): JSX.Element {
  return (
    <button
      type="button"
      class={open ? "span-twist open" : "span-twist"}
      tabIndex={-1}
      aria-label={open ? closeLabel : openLabel}
      title={open ? undefined : openLabel}
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <Icon name="chevron" size={12} />
      {!open && spans > 0 && <span class="span-below">{count(spans)}</span>}
    </button>
  );
}

/** Why a span stands out: the error itself, one below it, or where it began. */
export function SpanAlert({ error, below, origin = false }: { error: boolean; below: boolean; origin?: boolean }): JSX.Element | null {
  if (!error && !below) return null;
  return (
    <span class="span-alert" title={origin ? "The error began here" : error ? "Error" : "An error below"}>
      <Icon name={origin ? "target" : "warn"} size={12} />
    </span>
  );
}

/** How many of the spans of a row failed. */
export function ErrorCount({ errors }: { errors: number }): JSX.Element | null {
  if (errors === 0) return null;
  return (
    <span class="span-alert number" title={`${count(errors)} of them failed`}>
      <Icon name="warn" size={12} />
      {count(errors)}
    </span>
  );
}

export function Orphan({ missing }: { missing: boolean }): JSX.Element | null {
  if (!missing) return null;
  return (
    <span class="span-flag" title="Its parent is not stored">
      orphan
    </span>
  );
}
