import type { JSX } from "preact";
import { setParams } from "../lib/router";
import { CELL_LABELS, type TraceCell } from "../lib/tracecells";
import { clickedSort, TRACE_COLUMNS, writeTraceSort, type TraceColumn, type TraceSort } from "../lib/tracesort";
import { HeadCell, useColumnDrag } from "../ui/columnhead";
import { Icon } from "../ui/icons";
import { setCells } from "./columns";

const NUMBERS: readonly TraceCell[] = ["spans", "errors", "matched"];

const sortBy = (sort: TraceSort): void => setParams({ sort: writeTraceSort(sort) }, "replace");
const isSortable = (cell: TraceCell): cell is TraceColumn => (TRACE_COLUMNS as readonly string[]).includes(cell);

interface HeadProps {
  sort: TraceSort;
  /** Those of `cells` for which there is room. */
  shown: readonly TraceCell[];
  cells: readonly TraceCell[];
  characterPx: number;
}

/** The heads of the columns, most of which order the list; a second click turns the order round. */
export function ListHead({ sort, shown, cells, characterPx }: HeadProps): JSX.Element {
  const drag = useColumnDrag(cells, setCells);
  return (
    <div class="trace-head hide-phone" role="group" aria-label="Order by">
      {shown.map((cell) => {
        const label = CELL_LABELS[cell];
        return (
          <HeadCell key={cell} list="traces" id={cell} name={cell} label={label} characterPx={characterPx} drag={drag} class={NUMBERS.includes(cell) ? "number" : ""} onTake={cells.length > 1 ? () => setCells(cells.filter((other) => other !== cell)) : null}>
            {isSortable(cell) ? <SortButton sort={sort} column={cell} label={label} /> : label}
          </HeadCell>
        );
      })}
    </div>
  );
}

function SortButton({ sort, column, label }: { sort: TraceSort; column: TraceColumn; label: string }): JSX.Element {
  const active = sort.column === column;
  // Names are read from A on, all else from the largest or newest on.
  const ascends = (column === "root") !== sort.up;
  return (
    <button type="button" class="sort-button" aria-pressed={active} onClick={() => sortBy(clickedSort(sort, column))}>
      {label}
      {active && <Icon name={ascends ? "up" : "down"} size={10} />}
    </button>
  );
}

const ORDERS: [TraceSort, string][] = [
  [{ column: "time", up: false }, "Newest first"],
  [{ column: "time", up: true }, "Oldest first"],
  [{ column: "duration", up: false }, "Longest first"],
  [{ column: "duration", up: true }, "Shortest first"],
  [{ column: "spans", up: false }, "Most spans first"],
  [{ column: "errors", up: false }, "Most errors first"],
  [{ column: "services", up: false }, "Most services first"],
  [{ column: "root", up: false }, "By root operation"],
];

export function SortMenu({ sort, partial }: { sort: TraceSort; partial: boolean }): JSX.Element {
  const value = writeTraceSort(sort) ?? "time";
  const isListed = ORDERS.some(([order]) => (writeTraceSort(order) ?? "time") === value);
  const isNewest = (order: TraceSort): boolean => writeTraceSort(order) === null;
  return (
    <select
      class="text-button"
      aria-label="Order"
      title={partial && !isNewest(sort) ? "Ordered among the traces loaded so far" : "Order"}
      value={value}
      onChange={(event) => setParams({ sort: event.currentTarget.value === "time" ? null : event.currentTarget.value }, "replace")}
    >
      {ORDERS.map(([order, label]) => (
        <option key={label} value={writeTraceSort(order) ?? "time"}>
          {label}
          {partial && !isNewest(order) ? " (of loaded)" : ""}
        </option>
      ))}
      {!isListed && <option value={value}>{`By ${sort.column}, turned round${partial ? " (of loaded)" : ""}`}</option>}
    </select>
  );
}
