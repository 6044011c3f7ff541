import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { FoundSpans, TraceWindow, WindowRow } from "../api/windows";
import { byHandParams, flipped, has, nameOf, readByHand, without, withSpan, type ByHand, type Named } from "../lib/byhand";
import { setParams, usePlace } from "../lib/router";
import { endOf, firstWindow, isLoadedBelow, itemsOf, rowOf, trimmed, withChain, withChildren, withoutBelow, withPage, type Gap, type Item, type Loaded, type Similar } from "../lib/windowed";
import { useRequests, type Requests, type Shown, type Wanted } from "./use-requests";

/** Rows that the page holds at most; those farthest from what is in sight are put away first. */
export const MOST_ROWS = 20_000;
/** Groups of similar spans that are open at once; the one that was opened first is laid together again. */
const MOST_OPEN = 100;
const ZOOM_REST_MS = 200;

export interface Windows extends Pick<Requests, "waiting" | "error" | "partial"> {
  loaded: Loaded;
  items: Item[];
  /** What the address names is being brought back. */
  restoring: boolean;
  load: (gap: Gap) => void;
  toggle: (row: WindowRow, open: boolean) => void;
  /** Shows each span of a group of similar ones, in the place of its row. */
  openGroup: (row: WindowRow) => void;
  closeAll: () => void;
  openAll: () => void;
  /** Brings a span into the page with all above it; null if it is not in the trace. */
  locate: (wanted: Wanted) => Promise<Located | null>;
  /** What should stay when rows are put away: the index of a row in sight. */
  focus: (index: number) => void;
}

/** A span that was looked for, and how many of those that match come before it. */
export interface Located {
  row: WindowRow;
  at: number;
  /** It is left out where only what was found is shown. */
  hidden: boolean;
}

/** The rows of a large trace, asked for as they are looked at. `chosen`: the span that should be among them. `onGrown` is told when the trace has other spans than at first. */
export function useWindows(head: TraceWindow, headSimilar: Similar, shown: Shown, chosen: Named | null, onGrown: () => void): Windows {
  const { params } = usePlace();
  const [loaded, setLoaded] = useState(() => firstWindow(head));
  const [hand, setHand] = useState(() => readByHand(params));
  const [restored, setRestored] = useState<string | null>(null);
  const groups = useRef<number[]>([]);
  const requests = useRequests(head, shown, groups, onGrown);
  const { ask, find } = requests;
  const under = useRef(new Set<string>());
  const focused = useRef(0);
  const latest = useRef(hand);
  const { zoom, clock, similar, only } = shown;
  const closesAll = params.get("fold") === "all";

  const change = (next: ByHand): void => {
    latest.current = next;
    setHand(next);
    setParams(byHandParams(next), "replace");
  };
  const isShut = (row: WindowRow): boolean => (closesAll && row.depth > 0) !== has(latest.current.turned, row);
  const keep = (next: Loaded): Loaded => trimmed(next, focused.current, MOST_ROWS);
  /** What is below a span, or at the top, anew. */
  const again = async (above: WindowRow | null): Promise<void> => {
    const page = await ask({ under: above?.span_index ?? null });
    setLoaded((last) => (above ? keep(withChildren(withoutBelow(last, above), above, page)) : firstWindow(page)));
  };
  /** Each thing once at a time; failures are shown, and those of requests taken back are none. */
  const once = (key: string, act: () => Promise<void>): void => {
    if (under.current.has(key)) return;
    under.current.add(key);
    const done = (): boolean => under.current.delete(key);
    act().then(done, done);
  };
  const openGroups = (firsts: readonly WindowRow[]): void => {
    if (firsts.length === 0) return;
    groups.current = [...groups.current, ...firsts.map((row) => row.span_index)].slice(-MOST_OPEN);
    change({ ...latest.current, groups: firsts.reduce<Named[]>((all, row) => withSpan(all, row), [...latest.current.groups]) });
  };

  /** The way to the span that a name means: to that at its place, if it is still there, or else to the first with its id. */
  const pathTo = async (named: Named): Promise<readonly WindowRow[]> => {
    const byPlace = named.span_index === null ? [] : await find({ span_index: named.span_index }).then(pathOf, () => []);
    return byPlace.at(-1)?.span_id === named.span_id ? byPlace : find({ span_id: named.span_id }).then(pathOf, () => []);
  };
  /** The same but for what is here; empty if it is laid together with others. */
  const chainOf = async (named: Named, rows: readonly WindowRow[]): Promise<readonly WindowRow[]> => {
    const here = rowOf(rows, named.span_index);
    if (here?.span_id === named.span_id && !here.similar) return [here];
    const path = await pathTo(named);
    return path.some((row) => row.similar) ? [] : path;
  };
  /** What the address names, once more: groups, then what was opened, then the chosen span, from the first rows on. */
  const restore = async (isHead: boolean): Promise<void> => {
    const { opened, turned, groups: apart } = latest.current;
    const firsts = await Promise.all(apart.map(async (named) => (await pathTo(named)).at(-1) ?? named));
    groups.current = firsts.flatMap(({ span_index }) => span_index ?? []);
    const page = isHead && groups.current.length === 0 ? head : await ask({});
    const { rows } = page;
    setLoaded(firstWindow(page));
    const chains = await Promise.all(opened.map((named) => chainOf(named, rows)));
    const shut = await Promise.all(turned.map(async (named) => (await chainOf(named, rows)).at(-1) ?? named));
    const below = await Promise.all(
      chains.map(async (chain) => {
        const row = chain.at(-1);
        return row ? { chain, row, page: await ask({ under: row.span_index }) } : null;
      }),
    );
    const parts = below.flatMap((part) => (part && part.page.rows.length > 0 ? [part] : [])).sort((a, b) => a.row.span_index - b.row.span_index);
    const far = chosen && !rows.some((row) => row.span_id === chosen.span_id) ? await chainOf(chosen, rows) : [];
    const last = far.at(-1);
    const shows = last !== undefined && isInWindow(last, shown) && (await requests.isKept(last));
    setLoaded((now) => {
      const all = parts.reduce((sum, part) => withChildren(withChain(sum, part.chain, head.span_count), part.row, part.page), now);
      return keep(shows ? withChain(all, far, head.span_count) : all);
    });
    // Late spans have moved the places of all: what was done by hand since is named anew too.
    const places = new Map<string, Named>();
    const note = (names: readonly Named[], spans: readonly (Named | undefined)[]): void => names.forEach((named, at) => places.set(nameOf(named), spans[at] ?? named));
    note(apart, firsts);
    note(turned, shut);
    note(opened, chains.map((chain) => chain.at(-1)));
    const anew = (names: readonly Named[]): Named[] => names.reduce<Named[]>((all, named) => withSpan(all, places.get(nameOf(named)) ?? named), []);
    const now = latest.current;
    latest.current = { opened: anew(now.opened), turned: anew(now.turned), groups: anew(now.groups) };
    setHand(latest.current);
  };

  // What is shown: another zoom, another search.
  const key = JSON.stringify([zoom && [Math.floor(zoom.from), Math.ceil(zoom.to), clock], similar, only]);
  const turn = useRef(0);
  useEffect(() => {
    const isHead = zoom === null && similar === headSimilar && only === null;
    const isFirst = turn.current === 0;
    const mine = (turn.current += 1);
    const isPlain = Object.values(latest.current).every((names) => names.length === 0) && (isFirst || !chosen || head.rows.some((row) => row.span_id === chosen.span_id));
    if (!isFirst) requests.renew();
    under.current.clear();
    if (isHead && isPlain) {
      groups.current = [];
      if (!isFirst) setLoaded(firstWindow(head));
      setRestored(key);
      return;
    }
    const end = (): void => {
      if (turn.current === mine) setRestored(key);
    };
    // While somebody drags, nothing is asked.
    const timer = setTimeout(() => once("window", () => restore(isHead).finally(end)), isFirst ? 0 : ZOOM_REST_MS);
    return () => clearTimeout(timer);
  }, [key]);

  const items = useMemo(() => itemsOf(loaded, new Set(loaded.rows.flatMap((row) => (isShut(row) ? [row.span_index] : [])))), [loaded, hand, closesAll]);
  return {
    ...requests,
    loaded,
    items,
    restoring: restored !== key,
    load: (gap) =>
      once(`${gap.under} ${gap.after} ${gap.until}`, async () => {
        const page = await ask({ under: gap.under, after: gap.after < 0 ? null : gap.after });
        setLoaded((last) => keep(withPage(last, gap, page)));
      }),
    toggle: (row, open) => {
      const now = latest.current;
      if (open && has(now.opened, row)) {
        // As it was before: without what is below it, and without what was opened and closed there.
        const isOutside = (span: Named): boolean => span.span_index === null || span.span_index <= row.span_index || span.span_index > endOf(row);
        setLoaded((last) => withoutBelow(last, row));
        change({ opened: without(now.opened, row).filter(isOutside), turned: without(now.turned, row).filter(isOutside), groups: now.groups.filter(isOutside) });
        return;
      }
      const turns = open || isShut(row);
      const turned = ({ turned: names }: ByHand): readonly Named[] => (turns ? flipped(names, row) : names);
      if (open || isLoadedBelow(loaded, row)) return change({ ...now, turned: turned(now) });
      once(`under ${row.span_index}`, async () => {
        const page = await ask({ under: row.span_index });
        setLoaded((last) => keep(withChildren(last, row, page)));
        change({ ...latest.current, turned: turned(latest.current), opened: withSpan(latest.current.opened, row) });
      });
    },
    openGroup: (row) =>
      once(`group ${row.span_index}`, () => {
        openGroups([row]);
        return again(rowOf(loaded.rows, row.parent_index));
      }),
    closeAll: () => {
      change({ ...latest.current, turned: [] });
      setParams({ fold: "all" }, "replace");
    },
    openAll: () => {
      change({ ...latest.current, turned: [] });
      setParams({ fold: null }, "replace");
    },
    locate: async (wanted) => {
      const found = await find(wanted);
      const chain = found.path.filter((row) => row.similar === null);
      const row = chain.at(-1);
      if (!row) return null;
      const at = found.matched_before ?? 0;
      if (!("query" in wanted) && !(await requests.isKept(row))) return { row, at, hidden: true };
      focused.current = row.span_index;
      const shut = chain.slice(0, -1).filter(isShut);
      if (shut.length > 0) change({ ...latest.current, turned: shut.reduce<Named[]>((all, above) => flipped(all, above), [...latest.current.turned]) });
      // A group that it is a part of is opened, the topmost first: what is below that comes anew.
      const folded = found.path.filter((above) => above.similar !== null);
      openGroups(folded);
      if (folded[0]) await again(rowOf(chain, folded[0].parent_index));
      setLoaded((last) => keep(withChain(last, chain, head.span_count)));
      return { row, at, hidden: false };
    },
    focus: useCallback((index: number) => {
      focused.current = index;
    }, []),
  };
}

const pathOf = (found: FoundSpans): readonly WindowRow[] => found.path;

function isInWindow(row: WindowRow, { zoom, clock }: Shown): boolean {
  const start = clock === "raw" ? row.start_offset_ns : row.adjusted_start_offset_ns;
  return zoom === null || (start < zoom.to && start + row.duration_ns >= zoom.from);
}
