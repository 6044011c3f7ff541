import type { JSX } from "preact";

export interface TableColumn {
  name: string;
  /** `number` stands over numbers. */
  class?: string;
  /** What shows what it is by itself is named for those who do not see it. */
  unseen?: boolean;
}

/** The names of a table's columns. */
export function TableHead({ columns }: { columns: readonly TableColumn[] }): JSX.Element {
  return (
    <thead>
      <tr>
        {columns.map(({ name, unseen, ...column }) => (
          <th key={name} scope="col" class={column.class}>
            {unseen ? <span class="sr-only">{name}</span> : name}
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** Columns of numbers. */
export const numbers = (...names: string[]): TableColumn[] => names.map((name) => ({ name, class: "number" }));
