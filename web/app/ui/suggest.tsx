import type { JSX, RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import type { FieldPage, ValuePage } from "../api/types";
import { compact } from "../lib/format";
import { filterText, tokenise } from "../lib/query";

interface Item {
  /** What is shown, what is inserted, and a number or type at the right. */
  label: string;
  insert: string;
  note: string;
}

interface Target {
  kind: "field" | "value";
  field: string;
  prefix: string;
  start: number;
  end: number;
}

/** What the caret stands in: the beginning of a word may become a field, text after `field:` a value. */
function targetAt(text: string, caret: number): Target | null {
  const tokens = tokenise(text);
  const index = tokens.findIndex((token) => caret > token.start && caret <= token.start + token.text.length);
  const token = tokens[index];
  if (!token) return null;
  const end = token.start + token.text.length;
  if (token.kind === "word") return { kind: "field", field: "", prefix: token.text, start: token.start, end };
  if (token.kind === "operator" && token.text === ":") return { kind: "value", field: tokens[index - 1]?.text ?? "", prefix: "", start: end, end };
  if (token.kind === "value" && tokens[index - 1]?.text === ":") {
    return { kind: "value", field: tokens[index - 2]?.text ?? "", prefix: token.text.replace(/^"|"$/g, ""), start: token.start, end };
  }
  return null;
}

async function load(table: string, target: Target, signal: AbortSignal): Promise<Item[]> {
  if (target.kind === "field") {
    const page = await getJson<FieldPage>("/api/v1/fields", { table, prefix: target.prefix }, signal);
    return page.fields.slice(0, 12).map((field) => ({ label: field.query_name, insert: `${field.query_name}:`, note: `${field.types[0] ?? ""} ${compact(field.count)}` }));
  }
  if (target.field === "") return [];
  const path = `/api/v1/fields/${encodeURIComponent(target.field)}/values`;
  const page = await getJson<ValuePage>(path, { table, prefix: target.prefix, limit: 12 }, signal);
  return page.values.map(({ value, count }) => {
    const shown = String(value);
    return { label: shown, insert: filterText("", shown).slice(1), note: compact(count) };
  });
}

export interface SuggestState {
  items: Item[];
  active: number;
  target: Target | null;
  open: () => void;
  close: () => void;
  onKey: (event: KeyboardEvent, accept: Accept) => boolean;
  apply: (index: number, accept: Accept) => void;
}

type Accept = (text: string, caret: number) => void;

const DELAY_MS = 120;

export function useSuggestions(table: string, text: string, input: RefObject<HTMLInputElement | null>): SuggestState {
  const [wanted, setWanted] = useState(false);
  const [active, setActive] = useState(-1);
  const [found, setFound] = useState<{ items: Item[]; target: Target | null }>({ items: [], target: null });

  useEffect(() => {
    setActive(-1);
    const target = wanted ? targetAt(text, input.current?.selectionStart ?? text.length) : null;
    if (!target || (target.kind === "field" && target.prefix.length < 2)) {
      setFound({ items: [], target: null });
      return;
    }
    const controller = new AbortController();
    const timer = setTimeout(() => {
      // Completion is a courtesy: when it fails, typing goes on as before.
      load(table, target, controller.signal).then(
        (items) => setFound({ items: items.filter((item) => item.label !== target.prefix), target }),
        () => setFound({ items: [], target: null }),
      );
    }, DELAY_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text, wanted, table]);

  const apply = (index: number, accept: Accept): void => {
    const item = found.items[index];
    if (!item || !found.target) return;
    const before = text.slice(0, found.target.start) + item.insert;
    const gap = found.target.kind === "value" && found.target.end === text.length ? " " : "";
    accept(before + gap + text.slice(found.target.end), before.length + gap.length);
    setWanted(found.target.kind === "field");
  };
  const onKey = (event: KeyboardEvent, accept: Accept): boolean => {
    if (found.items.length === 0) return false;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) setActive((active + step + found.items.length + (active === -1 && step === -1 ? 1 : 0)) % found.items.length);
    else if (event.key === "Tab") apply(Math.max(0, active), accept);
    else if (event.key === "Enter" && active >= 0) apply(active, accept);
    else if (event.key === "Escape") setWanted(false);
    else return false;
    event.preventDefault();
    return true;
  };
  return { ...found, active, open: () => setWanted(true), close: () => setWanted(false), onKey, apply };
}

export function Suggestions({ state, onAccept }: { state: SuggestState; onAccept: Accept }): JSX.Element | null {
  if (state.items.length === 0) return null;
  return (
    <ul class="suggestions" role="listbox" aria-label={state.target?.kind === "field" ? "Fields" : "Values"} style={{ "--at": `${state.target?.start ?? 0}ch` }}>
      {state.items.map((item, index) => (
        <li
          key={item.insert}
          role="option"
          aria-selected={index === state.active}
          onPointerDown={(event) => {
            event.preventDefault();
            state.apply(index, onAccept);
          }}
        >
          <span class="suggestion-label">{item.label}</span>
          <span class="suggestion-note">{item.note}</span>
        </li>
      ))}
    </ul>
  );
}
