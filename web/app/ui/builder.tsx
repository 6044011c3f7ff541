import type { JSX } from "preact";
import { withClause } from "../lib/chips";
import { clauseText } from "../lib/clause";
import { FilterForm } from "./filterform";
import { Icon } from "./icons";
import { Popover } from "./popover";

interface Props {
  table: "logs" | "spans";
  query: string;
  onRun: (query: string) => void;
}

/** Puts a filter together and adds it to the query. */
export function FilterBuilder({ table, query, onRun }: Props): JSX.Element {
  return (
    <Popover button={<Icon name="plus" />} title="Add a filter" label="Add a filter" buttonClass="icon-button">
      {(close) => (
        <FilterForm
          table={table}
          said={null}
          textOf={clauseText}
          action="Add"
          onDone={(said) => {
            close();
            onRun(withClause(query, clauseText(said)));
          }}
        />
      )}
    </Popover>
  );
}
