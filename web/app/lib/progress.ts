import { bytes, percent } from "./format";

/** What waits and runs now, as far as pages show it. */
export interface RunningPage {
  queries: { kind: string; query: string; state: "waiting" | "running"; rows_read: number; rows_planned: number; bytes_read: number }[];
}

/** How far the server is with a query. */
export interface Progress {
  waiting: boolean;
  bytes: number;
  /** How much of what is planned so far is read, from 0 to 1; null before anything is planned. */
  share: number | null;
}

/** The server cuts the texts that it lists at so many bytes. */
const CUT_BYTES = 2048;

function isOf(listed: string, kind: string, query: string): boolean {
  // A request without a text is listed by its address.
  if (query.trim() === "") return listed === kind || listed.startsWith(`${kind}?`);
  return listed === query || (listed.length > 0 && new TextEncoder().encode(query).length > CUT_BYTES && query.startsWith(listed));
}

/** The newest query of that kind and text, which is the page's own unless somebody else asks the same. */
export function ownOf({ queries }: RunningPage, kind: string, query: string): Progress | null {
  const own = queries.find((each) => each.kind === kind && isOf(each.query, kind, query));
  if (!own) return null;
  return { waiting: own.state === "waiting", bytes: own.bytes_read, share: own.rows_planned > 0 ? Math.min(1, own.rows_read / own.rows_planned) : null };
}

/** In few words. */
export function progressText({ waiting, bytes: read, share }: Progress): string {
  if (waiting) return "waits for its turn";
  if (read === 0) return "running…";
  return share === null ? `${bytes(read)} read` : `${percent(share, 1)}, ${bytes(read)} read`;
}
