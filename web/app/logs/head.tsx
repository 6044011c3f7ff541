import type { JSX } from "preact";
import { HeadCell, useColumnDrag } from "../ui/columnhead";
import { setColumns } from "./columns";

interface Props {
  /** Those of `columns` for which there is room. */
  shown: string[];
  columns: string[];
  characterPx: number;
}

/** The names of the columns, and that of the body, which is always the last. */
export function ListHead({ shown, columns, characterPx }: Props): JSX.Element {
  const drag = useColumnDrag(columns, setColumns);
  return (
    <div class="log-row log-head">
      <span>time</span>
      {shown.map((name) => (
        <HeadCell key={name} list="logs" id={name} name={name} characterPx={characterPx} drag={drag} onTake={() => setColumns(columns.filter((other) => other !== name))} />
      ))}
      <span class={drag.isOver(null) ? "log-head-over" : undefined} {...drag.target(null)}>
        body
        {shown.length < columns.length && (
          <span class="muted" title={`No room for ${columns.filter((name) => !shown.includes(name)).join(", ")}`}>
            {" "}
            +{columns.length - shown.length} without room
          </span>
        )}
      </span>
    </div>
  );
}
