import type { JSX } from "preact";
import { chipsOf, negateChip, withChip, withoutChip, type Chip } from "../lib/chips";
import { changedClause, readClause } from "../lib/clause";
import { setParams, usePlace } from "../lib/router";
import { FilterForm } from "./filterform";
import { Icon } from "./icons";
import { Popover } from "./popover";

interface Props {
  table: "logs" | "spans";
  query: string;
  onChange: (query: string) => void;
}

/** Filters that were taken out for now; kept in the address as `off`, one on a line. */
const readOff = (params: URLSearchParams): string[] => (params.get("off") ?? "").split("\n").filter(Boolean);

/** The filters of the query as buttons. They are a view of the text: each one changes its own place in it, nothing else. */
export function Chips({ table, query, onChange }: Props): JSX.Element | null {
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
          table={table}
          chip={chip}
          onNegate={() => onChange(negateChip(query, chip))}
          onDisable={() => change(withoutChip(query, chip), [...off, chip.text])}
          onRemove={() => onChange(withoutChip(query, chip))}
          onText={(clause) => onChange(withChip(query, chip, clause))}
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
  table: Props["table"];
  chip: Chip;
  onNegate: () => void;
  onDisable: () => void;
  onRemove: () => void;
  /** Puts another clause in its place. */
  onText: (clause: string) => void;
}

function FilterChip({ table, chip, onNegate, onDisable, onRemove, onText }: ChipProps): JSX.Element {
  const said = readClause(chip);
  return (
    <li class={said.negated ? "filter filter-not" : "filter"}>
      <button type="button" class="filter-act" aria-label={`${said.negated ? "Include" : "Exclude"} ${chip.field}`} aria-pressed={said.negated} title={said.negated ? "Turn into include" : "Turn into exclude"} onClick={onNegate}>
        <Icon name={said.negated ? "minus" : "plus"} size={10} />
      </button>
      <Popover button={<ChipText chip={chip} />} title={`${chip.text}: change it`} buttonClass="filter-text" align="start">
        {(close) => (
          <FilterForm
            table={table}
            said={said}
            textOf={(next) => changedClause(chip, next)}
            action="Change"
            onDone={(next) => {
              close();
              const clause = changedClause(chip, next);
              if (clause !== chip.text) onText(clause);
            }}
          />
        )}
      </Popover>
      <button type="button" class="filter-act" aria-label={`Switch ${chip.text} off`} title="Off for now" onClick={onDisable}>
        <Icon name="eye" size={10} />
      </button>
      <button type="button" class="filter-act" aria-label={`Remove ${chip.text}`} title="Remove" onClick={onRemove}>
        <Icon name="close" size={10} />
      </button>
    </li>
  );
}

function ChipText({ chip }: { chip: Chip }): JSX.Element {
  return (
    <>
      <span class="filter-field">
        {chip.field}
        {chip.operator === ":" ? "" : " "}
        {chip.operator}
      </span>{" "}
      {chip.isList ? `(${chip.value})` : chip.value}
    </>
  );
}
