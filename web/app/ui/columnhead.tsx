import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { movedColumn, setWidth, useListLook, type ListName } from "../lib/listlook";
import { Grip } from "./grip";
import { Icon } from "./icons";

/** What takes a column that is dragged. */
interface Target {
  onDragOver: (event: DragEvent) => void;
  onDrop: (event: DragEvent) => void;
}

export interface ColumnDrag {
  /** Whether a column is held over this one. */
  isOver: (id: string | null) => boolean;
  /** The column that is dropped goes before this one; without one it goes to the end. */
  target: (id: string | null) => Target;
  start: (id: string) => void;
  end: () => void;
}

/** Columns put into another order by dragging one to where another stands. */
export function useColumnDrag(columns: readonly string[], onColumns: (columns: string[]) => void): ColumnDrag {
  const [dragged, setDragged] = useState<string | null>(null);
  const [over, setOver] = useState<{ id: string | null } | null>(null);
  const end = (): void => {
    setDragged(null);
    setOver(null);
  };
  return {
    isOver: (id) => over !== null && over.id === id && dragged !== id,
    target: (id) => ({
      onDragOver: (event) => {
        if (dragged === null) return;
        event.preventDefault();
        setOver({ id });
      },
      onDrop: (event) => {
        event.preventDefault();
        if (dragged !== null) onColumns(movedColumn(columns, dragged, id));
        end();
      },
    }),
    start: setDragged,
    end,
  };
}

interface CellProps {
  list: ListName;
  id: string;
  name: string;
  label?: string;
  characterPx: number;
  drag: ColumnDrag;
  class?: string;
  style?: Record<string, string> | undefined;
  /** Takes the column out, where it may be. */
  onTake: (() => void) | null;
  /** In the place of the name alone. */
  children?: ComponentChildren;
}

/** The name of a column: dragged to another place, drawn wider, taken out. */
export function HeadCell({ list, id, name, label = name, characterPx, drag, class: className = "", style, onTake, children }: CellProps): JSX.Element {
  const { pinned } = useListLook(list);
  const [width, setPx] = useState(0);
  return (
    <span ref={(element) => void (element && element.offsetWidth !== width && setPx(element.offsetWidth))} class={`log-head-cell ${drag.isOver(id) ? "log-head-over " : ""}${className}`} style={style} {...drag.target(id)}>
      <span
        draggable
        title={`${label}: drag it to another place`}
        onDragStart={(event) => {
          event.dataTransfer?.setData("text/plain", name);
          drag.start(id);
        }}
        onDragEnd={drag.end}
      >
        {pinned.includes(name) && <Icon name="pin" size={10} />}
        {children ?? label}
      </span>
      {onTake && (
        <button type="button" class="filter-act" title="Take the column out" aria-label={`Take the column ${label} out`} onClick={onTake}>
          <Icon name="close" size={10} />
        </button>
      )}
      <Grip class="log-head-grip" label={`Width of the column ${label}`} size={width} onSize={(px) => setWidth(list, name, px / characterPx)} />
    </span>
  );
}
