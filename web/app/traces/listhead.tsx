import type { JSX } from "preact";
import { setParams } from "../lib/router";
import { clickedSort, writeTraceSort, type TraceColumn, type TraceSort } from "../lib/tracesort";
import { Icon } from "../ui/icons";

const COLUMNS: [TraceColumn, string, boolean][] = [
  ["time", "Start", false],
  ["root", "Root operation", false],
  ["duration", "Duration", false],
  ["spans", "Spans", true],
  ["errors", "Errors", true],
  ["services", "Services", false],
];

const sortBy = (sort: TraceSort): void => setParams({ sort: writeTraceSort(sort) }, "replace");

/** The heads of the columns, each of which orders the list; a second click turns the order round. */
export function ListHead({ sort }: { sort: TraceSort }): JSX.Element {
  return (
    <div class="trace-head hide-phone" role="group" aria-label="Order by">
      {COLUMNS.map(([column, label, isNumber]) => {
        const active = sort.column === column;
        // Names are read from A on, all else from the largest or newest on.
        const ascends = (column === "root") !== sort.up;
        return (
          <span key={column} class={isNumber ? "number" : ""}>
            <button type="button" class="sort-button" aria-pressed={active} onClick={() => sortBy(clickedSort(sort, column))}>
              {label}
              {active && <Icon name={ascends ? "up" : "down"} size={10} />}
            </button>
          </span>
        );
      })}
    </div>
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
