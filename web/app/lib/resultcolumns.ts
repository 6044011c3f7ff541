/** Which columns of an answer in SQL are shown, by their place in it: names may have commas and may be there twice. */

/** Where a browser keeps what was chosen, for each set of columns. */
export const RESULT_COLUMNS_KEY = "spoor.columns.sql";
/** Sets of columns that are remembered; the one chosen first is forgotten first. */
const MOST = 50;

const all = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

function placesOf(text: string, count: number): number[] | null {
  const places = text.split(",").map(Number);
  const isGood = text !== "" && places.every((place, at) => Number.isInteger(place) && place >= 0 && place < count && places.indexOf(place) === at);
  return isGood ? places : null;
}

/** Those of the address, or else those that were chosen last of the same columns, or else all. */
export function readPlaces(text: string | null, kept: string | null, count: number): number[] {
  return (text !== null && placesOf(text, count)) || (kept !== null && placesOf(kept, count)) || all(count);
}

export const writePlaces = (places: readonly number[], count: number): string => (places.join() === all(count).join() ? "" : places.join(","));

function choices(text: string | null): [string, string][] {
  try {
    const kept: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(kept) ? kept.filter((each): each is [string, string] => Array.isArray(each) && each.length === 2 && each.every((part) => typeof part === "string")) : [];
  } catch {
    return [];
  }
}

const keyOf = (names: readonly string[]): string => JSON.stringify(names);

/** What was chosen of columns with these names; `text`: what the browser kept. */
export const choiceOf = (text: string | null, names: readonly string[]): string | null => choices(text).find(([key]) => key === keyOf(names))?.[1] ?? null;

/** What the browser is to keep once this was chosen. */
export function withChoice(text: string | null, names: readonly string[], places: readonly number[]): string {
  const key = keyOf(names);
  const others = choices(text).filter(([other]) => other !== key);
  const chosen = writePlaces(places, names.length);
  return JSON.stringify([...others.slice(1 - MOST), ...(chosen === "" ? [] : [[key, chosen]])]);
}
