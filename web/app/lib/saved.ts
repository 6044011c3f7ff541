import { href } from "./router";
import { createStore, useStore } from "./store";

export const SEARCH_VIEWS = ["logs", "traces", "sql", "services", "errors"] as const;
export type SearchView = (typeof SEARCH_VIEWS)[number];

/** What a page shows, as the server keeps it: its query, and whatever else stands in its address. */
export interface SearchContent {
  name: string;
  view: SearchView;
  query: string;
  parameters: Record<string, string>;
}

export interface SavedSearch extends SearchContent {
  id: string;
  created_time: string;
  updated_time: string;
}

/** What belongs to a moment and not to a search: the chosen row, and where a list was scrolled to. The server keeps searches by tenant. */
const PASSING = ["sel", "span", "tenant"];

/** The page at an address as a search, or null where there is none. Relative ranges stay relative. */
export function contentOf(name: string, address: string): SearchContent | null {
  const { pathname, searchParams } = new URL(address, "http://spoor");
  const view = SEARCH_VIEWS.find((each) => pathname === `/${each}`);
  if (!view) return null;
  const parameters = Object.fromEntries([...searchParams].filter(([key]) => key !== "q" && !PASSING.includes(key)));
  return { name, view, query: searchParams.get("q") ?? "", parameters };
}

export const addressOf = ({ view, query, parameters }: SearchContent): string => href(`/${view}`, { q: query, ...parameters });

/** A search that only this browser has. */
export interface Kept {
  name: string;
  href: string;
}

/** A query that was run, newest first. `page` is the path it was run on. */
export interface Past {
  page: string;
  query: string;
}

const SAVED_KEY = "spoor.saved";
const START_KEY = "spoor.start";
const MAX_KEPT = 200;
const PAST_KEY = "spoor.history";
const MAX_PAST = 60;

function read<T>(key: string, isOne: (value: unknown) => value is T): T[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isOne) : [];
  } catch {
    return [];
  }
}

function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // They then last as long as the page.
  }
}

const hasText = (value: unknown, ...keys: string[]): boolean =>
  typeof value === "object" && value !== null && keys.every((key) => typeof (value as Record<string, unknown>)[key] === "string");
const isKept = (value: unknown): value is Kept => hasText(value, "name", "href") && (value as Kept).href.startsWith("/");
const isPast = (value: unknown): value is Past => hasText(value, "page", "query");

const keptStore = createStore<Kept[]>(read(SAVED_KEY, isKept));
const pastStore = createStore<Past[]>(read(PAST_KEY, isPast));

/** Those that are still in this browser alone. */
export const useKept = (): Kept[] => useStore(keptStore);
export const usePast = (): Past[] => useStore(pastStore);

/** Takes searches out of this browser: they are on the server now, or nobody wants them. */
export function forgetKept(names: readonly string[]): void {
  const next = keptStore.get().filter((entry) => !names.includes(entry.name));
  keptStore.set(next);
  write(SAVED_KEY, next);
}

/** Keeps the page at an address in this browser; one of the same name on the same page goes. */
export function keepHere(name: string, address: string): void {
  const page = (at: string): string => at.split("?")[0] ?? "";
  const next = [...keptStore.get().filter((entry) => entry.name !== name || page(entry.href) !== page(address)), { name, href: address }].slice(-MAX_KEPT);
  keptStore.set(next);
  write(SAVED_KEY, next);
}

/** With what each page begins in this browser, by its path. */
type Starts = Record<string, string>;

function readStarts(): Starts {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(START_KEY) ?? "{}");
    if (typeof kept !== "object" || kept === null) return {};
    return Object.fromEntries(Object.entries(kept).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1].startsWith(`${entry[0]}?`)));
  } catch {
    return {};
  }
}

const startStore = createStore<Starts>(readStarts());

export const useStarts = (): Starts => useStore(startStore);

/** Makes an address the beginning of its page, or no longer. */
export function toggleStart(address: string): void {
  const page = address.split("?")[0] ?? "";
  const { [page]: before, ...others } = startStore.get();
  const next = before === address ? others : { ...others, [page]: address };
  startStore.set(next);
  write(START_KEY, next);
}

/** Where a page begins: with what was chosen for it, but in the range that is looked at, if there is one. */
export function startOf(page: string, range: { start: string | null; end: string | null }): string {
  const chosen = new URLSearchParams(startStore.get()[page]?.split("?")[1] ?? "");
  // Whoever goes there stays with the tenant that is looked at.
  chosen.delete("tenant");
  const own = Object.fromEntries(chosen);
  return range.start === null && range.end === null ? href(page, own) : href(page, { ...own, start: range.start, end: range.end });
}

export function rememberQuery(page: string, query: string): void {
  const text = query.trim();
  if (text === "") return;
  const next = [{ page, query: text }, ...pastStore.get().filter((entry) => entry.page !== page || entry.query !== text)].slice(0, MAX_PAST);
  pastStore.set(next);
  write(PAST_KEY, next);
}

export function forgetPast(): void {
  pastStore.set([]);
  write(PAST_KEY, []);
}
