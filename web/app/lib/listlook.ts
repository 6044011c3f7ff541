import { keepChoice, keptChoice } from "./prefs";
import { createStore, useStore } from "./store";

/** How this browser shows lists of logs: what does not belong to a search. */
export interface ListLook {
  /** Chosen widths of columns, in characters. */
  widths: Record<string, number>;
  /** Columns that stay when there is no room for all. */
  pinned: string[];
  density: "compact" | "comfortable";
}

const KEY = "spoor.list";
export const MIN_CHARACTERS = 5;
export const MAX_CHARACTERS = 90;

export function readLook(text: string | null): ListLook {
  const plain: ListLook = { widths: {}, pinned: [], density: "compact" };
  try {
    const kept = JSON.parse(text ?? "{}") as Partial<ListLook> | null;
    const widths = Object.entries(kept?.widths ?? {}).filter(([, width]) => typeof width === "number" && width >= MIN_CHARACTERS && width <= MAX_CHARACTERS);
    const pinned = Array.isArray(kept?.pinned) ? kept.pinned.filter((name) => typeof name === "string") : [];
    return { widths: Object.fromEntries(widths), pinned, density: kept?.density === "comfortable" ? "comfortable" : "compact" };
  } catch {
    return plain;
  }
}

const store = createStore<ListLook>(readLook(keptChoice(KEY)));

export const useListLook = (): ListLook => useStore(store);

export function changeLook(patch: Partial<ListLook>): void {
  const next = { ...store.get(), ...patch };
  store.set(next);
  keepChoice(KEY, JSON.stringify(next));
}

/** `null`: as wide as what stands in it. */
export function setWidth(name: string, characters: number | null): void {
  const widths = Object.fromEntries(Object.entries(store.get().widths).filter(([other]) => other !== name));
  if (characters !== null) widths[name] = Math.round(Math.max(MIN_CHARACTERS, Math.min(MAX_CHARACTERS, characters)));
  changeLook({ widths });
}

export function toggleColumnPin(name: string): void {
  const { pinned } = store.get();
  changeLook({ pinned: pinned.includes(name) ? pinned.filter((other) => other !== name) : [...pinned, name] });
}

/** The columns with one put before another; at the end without one. */
export function movedColumn(columns: readonly string[], name: string, before: string | null): string[] {
  if (name === before || !columns.includes(name)) return [...columns];
  const rest = columns.filter((other) => other !== name);
  const at = before === null ? rest.length : rest.indexOf(before);
  return [...rest.slice(0, at), name, ...rest.slice(at)];
}
