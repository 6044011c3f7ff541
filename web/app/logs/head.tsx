import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { movedColumn, setWidth, useListLook } from "../lib/listlook";
import { Grip } from "../ui/grip";
import { Icon } from "../ui/icons";
import { setColumns } from "./columns";

interface Props {
  /** Those of `columns` for which there is room. */
  shown: string[];
  columns: string[];
  characterPx: number;
}

/** What takes a column that is dragged. */
interface Target {
  onDragOver: (event: DragEvent) => void;
  onDrop: (event: DragEvent) => void;
}

/** The names of the columns: dragged to another place, drawn wider, taken out. */
export function ListHead({ shown, columns, characterPx }: Props): JSX.Element {
  const { pinned } = useListLook();
  const [dragged, setDragged] = useState<string | null>(null);
  const [over, setOver] = useState<string | null>(null);
  const drop = (before: string | null): void => {
    if (dragged !== null) setColumns(movedColumn(columns, dragged, before));
    setDragged(null);
    setOver(null);
  };
  const target = (name: string | null, key: string): Target => ({
    onDragOver: (event) => {
      if (dragged === null) return;
      event.preventDefault();
      setOver(key);
    },
    onDrop: (event) => {
      event.preventDefault();
      drop(name);
    },
  });
  return (
    <div class="log-row log-head">
      <span>time</span>
      {shown.map((name) => (
        <HeadCell key={name} name={name} characterPx={characterPx} pinned={pinned.includes(name)} over={over === name && dragged !== name} target={target(name, name)} onDrag={setDragged} onTake={() => setColumns(columns.filter((other) => other !== name))} />
      ))}
      <span class={over === "body" ? "log-head-over" : undefined} {...target(null, "body")}>
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

interface CellProps {
  name: string;
  characterPx: number;
  pinned: boolean;
  over: boolean;
  target: Target;
  onDrag: (name: string | null) => void;
  onTake: () => void;
}

function HeadCell({ name, characterPx, pinned, over, target, onDrag, onTake }: CellProps): JSX.Element {
  const [width, setPx] = useState(0);
  return (
    <span ref={(element) => void (element && element.offsetWidth !== width && setPx(element.offsetWidth))} class={over ? "log-head-cell log-head-over" : "log-head-cell"} {...target}>
      <span
        draggable
        title={`${name}: drag it to another place`}
        onDragStart={(event) => {
          event.dataTransfer?.setData("text/plain", name);
          onDrag(name);
        }}
        onDragEnd={() => onDrag(null)}
      >
        {pinned && <Icon name="pin" size={10} />}
        {name}
      </span>
      <button type="button" class="filter-act" title="Take the column out" aria-label={`Take the column ${name} out`} onClick={onTake}>
        <Icon name="close" size={10} />
      </button>
      <Grip class="log-head-grip" label={`Width of the column ${name}`} size={width} onSize={(px) => setWidth(name, px / characterPx)} />
    </span>
  );
}
