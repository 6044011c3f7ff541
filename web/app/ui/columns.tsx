import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { changeLook, toggleColumnPin, useListLook, type ListLook, type ListName } from "../lib/listlook";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { Choice } from "./topbar";

/** A column that may be chosen. */
export interface ColumnOffer {
  /** What tells it from others. */
  id: string;
  /** What its width and pin are kept under, and what it is called where it has no label. */
  name: string;
  label?: string;
  note?: string;
}

interface Props {
  list: ListName;
  /** Those that are shown, in their order. */
  columns: readonly ColumnOffer[];
  /** Those that could be; the ones that are shown may be among them. */
  offers: readonly ColumnOffer[];
  /** The way back to what it was before anything was chosen; null where nothing was. */
  back: { label: string; columns: string[] } | null;
  /** What a pin does to a column of this list. */
  pinLabel: (name: string) => string;
  /** Columns that must be left. */
  least?: number;
  onColumns: (ids: string[]) => void;
}

const SHOWN = 60;

/** A button for it, which opens the panel. */
export function ColumnsButton({ children }: { children: () => JSX.Element }): JSX.Element {
  return (
    <Popover button={<><Icon name="columns" /><span class="hide-narrow">Columns</span></>} title="Choose columns" buttonClass="text-button">
      {children}
    </Popover>
  );
}

/** Which columns a list has, in which order, which of them are kept, and how close its rows are. */
export function ColumnsPanel({ list, columns, offers, back, pinLabel, least = 0, onColumns }: Props): JSX.Element {
  const [needle, setNeedle] = useState("");
  const look = useListLook(list);
  const lower = needle.trim().toLowerCase();
  const ids = columns.map((column) => column.id);
  const found = offers.filter((offer) => (offer.label ?? offer.name).toLowerCase().includes(lower) && !ids.includes(offer.id)).slice(0, SHOWN);
  const move = (at: number, by: number): void => {
    const next = [...ids];
    const [id] = next.splice(at, 1);
    if (id !== undefined) next.splice(at + by, 0, id);
    onColumns(next);
  };
  return (
    <div class="column-panel">
      <ul class="column-chosen">
        {columns.map(({ id, name, label = name }, at) => (
          <li key={id} class="column-row">
            <button type="button" aria-pressed="true" title="Take out" disabled={ids.length <= least} onClick={() => onColumns(ids.filter((other) => other !== id))}>
              <Icon name="check" size={12} />
              <span>{label}</span>
            </button>
            <button type="button" class="icon-button" aria-pressed={look.pinned.includes(name)} aria-label={pinLabel(label)} title={pinLabel(label)} onClick={() => toggleColumnPin(list, name)}>
              <Icon name="pin" size={12} />
            </button>
            <button type="button" class="icon-button" aria-label={`${label} further left`} title="Further left" disabled={at === 0} onClick={() => move(at, -1)}>
              <Icon name="up" size={12} />
            </button>
            <button type="button" class="icon-button" aria-label={`${label} further right`} title="Further right" disabled={at === ids.length - 1} onClick={() => move(at, 1)}>
              <Icon name="down" size={12} />
            </button>
          </li>
        ))}
      </ul>
      <div class="column-back">
        {back && (
          <button type="button" class="text-button" onClick={() => onColumns(back.columns)}>
            {back.label}
          </button>
        )}
        {Object.keys(look.widths).length > 0 && (
          <button type="button" class="text-button" onClick={() => changeLook(list, { widths: {} })}>
            Widths by themselves
          </button>
        )}
      </div>
      <Choice<ListLook["density"]> label="Rows" value={look.density} options={[["compact", "Compact"], ["comfortable", "Comfortable"]]} onChange={(density) => changeLook(list, { density })} />
      {(found.length > 0 || needle !== "") && <input class="field field-small" placeholder="Find a field" aria-label="Find a field for a column" value={needle} onInput={(event) => setNeedle(event.currentTarget.value)} />}
      <ul class="column-fields">
        {found.map((offer) => (
          <li key={offer.id} class="column-row">
            <button type="button" onClick={() => onColumns([...ids, offer.id])}>
              <Icon name="plus" size={12} />
              <span>{offer.label ?? offer.name}</span>
              <span class="muted number">{offer.note}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
