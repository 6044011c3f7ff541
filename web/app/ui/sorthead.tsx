import type { JSX } from "preact";
import { Icon } from "./icons";

interface Props<T extends string> {
  label: string;
  column: T;
  sort: string;
  onSort: (column: T) => void;
  number?: boolean;
  /** Names are read from A on, numbers from the largest on. */
  ascending?: boolean;
}

/** A column's head that orders the table. */
export function SortHead<T extends string>({ label, column, sort, onSort, number = false, ascending = false }: Props<T>): JSX.Element {
  const active = sort === column;
  return (
    <th class={number ? "number" : ""} aria-sort={active ? (ascending ? "ascending" : "descending") : "none"}>
      <button type="button" class="sort-button" onClick={() => onSort(column)}>
        {label}
        {active && <Icon name={ascending ? "up" : "down"} size={10} />}
      </button>
    </th>
  );
}
