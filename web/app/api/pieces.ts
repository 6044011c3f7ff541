/** What a list answers with: rows of their final order, and where it goes on. */
export interface Piece {
  next_cursor: string | null;
  /** The server did not look for more, as there was something to show. */
  partial?: boolean;
}

/** What a request for a piece says. */
export interface PieceParams {
  cursor: string | null;
  limit: number;
  patience_ms: number;
}

/** A search that takes no longer is one request. */
const FIRST_PATIENCE_MS = 300;
/** What the server does while its patience ends is done again: little of it, if each is several times as long. */
const LONGER = 4;
/** No longer than a query may take. */
const MAX_PATIENCE_MS = 60_000;

/**
 * A page of `limit` rows in as few requests as show the first rows soon. `onPart` is told all rows so far and the last
 * answer, as long as more may come; the last ones are what this resolves to.
 */
export async function inPieces<P extends Piece, Row>(from: { cursor: string | null; limit: number }, ask: (params: PieceParams) => Promise<P>, rowsOf: (page: P) => Row[], onPart: (rows: Row[], page: P) => void): Promise<{ rows: Row[]; page: P }> {
  const rows: Row[] = [];
  let { cursor } = from;
  for (let patience = FIRST_PATIENCE_MS; ; patience = Math.min(patience * LONGER, MAX_PATIENCE_MS)) {
    const page = await ask({ cursor, limit: from.limit - rows.length, patience_ms: patience });
    rows.push(...rowsOf(page));
    cursor = page.next_cursor;
    if (!page.partial || cursor === null || rows.length >= from.limit) return { rows, page };
    onPart([...rows], page);
  }
}
