import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "../ui/icons";
import { shortType, sqlName, type Table } from "./schema";

/** Tables, columns and attributes; a click puts the name into the statement. */
export function SchemaBrowser({ tables, onPick }: { tables: Table[]; onPick: (text: string) => void }): JSX.Element {
  const [needle, setNeedle] = useState("");
  const lower = needle.trim().toLowerCase();
  return (
    <aside class="facets hide-phone" aria-label="Tables and columns">
      <header class="facets-head">
        <input class="field field-small" placeholder="Find a column" aria-label="Find a column" value={needle} onInput={(event) => setNeedle(event.currentTarget.value)} />
      </header>
      <div class="facets-scroll">
        {tables.map((table, at) => (
          <TableColumns key={table.name} table={table} first={at === 0} needle={lower} onPick={onPick} />
        ))}
      </div>
    </aside>
  );
}

function TableColumns({ table, first, needle, onPick }: { table: Table; first: boolean; needle: string; onPick: (text: string) => void }): JSX.Element {
  // One table has hundreds of columns: the names of the others are in sight until one is looked for.
  const [chosen, setOpen] = useState<boolean | null>(null);
  const open = chosen ?? (first || needle !== "");
  const all = [...table.columns, ...table.attributes];
  const found = needle === "" ? all : all.filter((column) => column.name.toLowerCase().includes(needle));
  return (
    <section class="facet">
      <button type="button" class={open ? "facet-name open" : "facet-name"} aria-expanded={open} onClick={() => setOpen(!open)}>
        <Icon name="chevron" size={10} />
        <span>{table.name}</span>
        <span class="muted number">{all.length}</span>
      </button>
      {open && (
        <ul class="facet-values">
          {found.map((column) => (
            <li key={column.name} class="facet-value column-value">
              <button type="button" title={`${column.name}: ${column.type}`} onClick={() => onPick(sqlName(column.name))}>
                <span class="facet-text">{column.name}</span>
                <span class="muted column-type">{shortType(column.type)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
