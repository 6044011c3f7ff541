import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { getJson } from "../api/client";
import { compact } from "../lib/format";
import type { Search } from "../lib/search";
import { toIso } from "../lib/time";
import { Icon } from "./icons";
import { everyMs, useEvery } from "./refresh";

/** How often it is looked without a choice, and how many times until somebody searches again. */
const LOOK_MS = 30_000;
const LOOKS = 120;

interface Props {
  table: "logs" | "spans";
  search: Search;
  /** The newest that is shown, as Unix nanoseconds; null where nothing is. */
  newest: string | null;
  /** Something is loading: what is new is about to be shown. */
  busy: boolean;
}

/** How much came since the list was made: rows do not move under the eyes of who reads. */
function useFresh({ table, search, newest, busy }: Props): number {
  const every = useEvery();
  const [found, setFound] = useState({ key: "", count: 0 });
  // What has an end does not change.
  const moves = search.range.end === null || search.range.end === "now";
  const after = newest === null ? toIso(search.madeAt) : String(BigInt(newest) + 1n);
  const key = moves && !busy && !search.cancelled ? JSON.stringify([table, search.key, after]) : null;
  useEffect(() => {
    if (key === null) return;
    const controller = new AbortController();
    let looks = 0;
    const look = async (): Promise<void> => {
      if (document.hidden || looks >= LOOKS) return;
      looks += 1;
      const page = await getJson<{ total: number }>(`/api/v1/${table}/histogram`, { query: search.query, start: after, buckets: 1 }, controller.signal).catch(() => null);
      if (page && !controller.signal.aborted) setFound({ key, count: page.total });
    };
    const timer = setInterval(() => void look(), every === null ? LOOK_MS : everyMs(every));
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [key, every]);
  return found.key === key ? found.count : 0;
}

/** Says that there is more, and shows it when it is clicked. */
export function NewPill(props: Props): JSX.Element | null {
  const count = useFresh(props);
  const what = props.table === "logs" ? (count === 1 ? "new record" : "new records") : count === 1 ? "new span" : "new spans";
  return (
    <div class="new-pill-place" role="status">
      {count > 0 && (
        <button type="button" class="button button-small new-pill" title="Search again, and show what came" onClick={props.search.again}>
          <Icon name="up" size={12} />
          {compact(count)} {what}
        </button>
      )}
    </div>
  );
}
