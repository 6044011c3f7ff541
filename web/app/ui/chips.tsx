import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { changeChip, chipsOf, negateChip, withoutChip, type Chip } from "../lib/chips";
import { setParams, usePlace } from "../lib/router";
import { Icon } from "./icons";

interface Props {
  query: string;
  onChange: (query: string) => void;
}

/** Filters that were taken out for now; kept in the address as `off`, one on a line. */
const readOff = (params: URLSearchParams): string[] => (params.get("off") ?? "").split("\n").filter(Boolean);

/** The filters of the query as buttons. They are a view of the text: each one changes its own place in it, nothing else. */
export function Chips({ query, onChange }: Props): JSX.Element | null {
  const { params } = usePlace();
  const chips = chipsOf(query);
  const off = readOff(params);
  if (chips.length === 0 && off.length === 0) return null;
  const change = (next: string, nextOff: string[]): void => setParams({ q: next, off: nextOff.join("\n") || null, sel: null });
  return (
    <ul class="filters" aria-label="Filters of the query">
      {chips.map((chip) => (
        <FilterChip
          key={`${chip.start} ${chip.text}`}
          chip={chip}
          onNegate={() => onChange(negateChip(query, chip))}
          onDisable={() => change(withoutChip(query, chip), [...off, chip.text])}
          onRemove={() => onChange(withoutChip(query, chip))}
          onValue={(value) => onChange(changeChip(query, chip, value))}
        />
      ))}
      {off.map((text, index) => (
        <li key={`off ${index}`} class="filter filter-off">
          <button type="button" class="filter-text" title="Filter again" onClick={() => change(`${query} ${text}`.trim(), off.filter((_, at) => at !== index))}>
            {text}
          </button>
          <button type="button" class="filter-act" aria-label={`Forget ${text}`} title="Forget" onClick={() => change(query, off.filter((_, at) => at !== index))}>
            <Icon name="close" size={10} />
          </button>
        </li>
      ))}
    </ul>
  );
}

interface ChipProps {
  chip: Chip;
  onNegate: () => void;
  onDisable: () => void;
  onRemove: () => void;
  onValue: (value: string) => void;
}

function FilterChip({ chip, onNegate, onDisable, onRemove, onValue }: ChipProps): JSX.Element {
  const [editing, setEditing] = useState(false);
  return (
    <li class={chip.negated ? "filter filter-not" : "filter"}>
      <button type="button" class="filter-act" aria-label={`${chip.negated ? "Include" : "Exclude"} ${chip.field}`} aria-pressed={chip.negated} title={chip.negated ? "Turn into include" : "Turn into exclude"} onClick={onNegate}>
        <Icon name={chip.negated ? "minus" : "plus"} size={10} />
      </button>
      {editing ? (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const value = new FormData(event.currentTarget).get("value");
            setEditing(false);
            if (typeof value === "string" && value !== "" && value !== chip.value) onValue(value);
          }}
        >
          <input name="value" class="filter-input" aria-label={`Value of ${chip.field}`} autofocus size={Math.max(6, chip.value.length)} defaultValue={chip.value} onBlur={() => setEditing(false)} onKeyDown={(event) => event.key === "Escape" && setEditing(false)} />
        </form>
      ) : (
        <button type="button" class="filter-text" title="Change the value" onClick={() => setEditing(true)}>
          <span class="filter-field">
            {chip.field}
            {chip.operator === ":" ? "" : " "}
            {chip.operator}
          </span>{" "}
          {chip.value}
        </button>
      )}
      <button type="button" class="filter-act" aria-label={`Switch ${chip.text} off`} title="Off for now" onClick={onDisable}>
        <Icon name="eye" size={10} />
      </button>
      <button type="button" class="filter-act" aria-label={`Remove ${chip.text}`} title="Remove" onClick={onRemove}>
        <Icon name="close" size={10} />
      </button>
    </li>
  );
}
