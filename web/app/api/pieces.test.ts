import { expect, test } from "vitest";
import { inPieces, type Piece, type PieceParams } from "./pieces";

interface Page extends Piece {
  rows: number[];
}

/** Answers one after the other, and keeps what was asked. */
function server(pages: Page[]): { asked: PieceParams[]; ask: (params: PieceParams) => Promise<Page> } {
  const asked: PieceParams[] = [];
  const ask = (params: PieceParams): Promise<Page> => {
    asked.push(params);
    const page = pages.shift();
    return page ? Promise.resolve(page) : Promise.reject(new Error("asked once too often"));
  };
  return { asked, ask };
}

test("what is quick is one request, and no part", async () => {
  const { asked, ask } = server([{ rows: [3, 2, 1], next_cursor: "c" }]);
  const parts: number[][] = [];
  const whole = await inPieces({ cursor: null, limit: 3 }, ask, (page) => page.rows, (rows) => parts.push(rows));
  expect(whole.rows).toEqual([3, 2, 1]);
  expect(whole.page.next_cursor).toBe("c");
  expect(parts).toEqual([]);
  expect(asked).toEqual([{ cursor: null, limit: 3, patience_ms: 300 }]);
});

test("parts go on where the one before ended, for what is missing, with more patience", async () => {
  const { asked, ask } = server([
    { rows: [9], next_cursor: "b", partial: true },
    { rows: [8, 7], next_cursor: "c", partial: true },
    { rows: [6], next_cursor: null },
  ]);
  const parts: number[][] = [];
  const whole = await inPieces({ cursor: "a", limit: 10 }, ask, (page) => page.rows, (rows) => parts.push(rows));
  expect(parts).toEqual([[9], [9, 8, 7]]);
  expect(whole.rows).toEqual([9, 8, 7, 6]);
  expect(asked).toEqual([
    { cursor: "a", limit: 10, patience_ms: 300 },
    { cursor: "b", limit: 9, patience_ms: 1200 },
    { cursor: "c", limit: 7, patience_ms: 4800 },
  ]);
});

test("a part that is a full page is the page", async () => {
  const { asked, ask } = server([{ rows: [2, 1], next_cursor: "c", partial: true }]);
  const whole = await inPieces({ cursor: null, limit: 2 }, ask, (page) => page.rows, () => expect.unreachable());
  expect(whole.page.next_cursor).toBe("c");
  expect(asked.length).toBe(1);
});

test("parts before an error were told", async () => {
  const { ask } = server([{ rows: [9], next_cursor: "b", partial: true }]);
  const parts: number[][] = [];
  await expect(inPieces({ cursor: null, limit: 10 }, ask, (page) => page.rows, (rows) => parts.push(rows))).rejects.toThrow("once too often");
  expect(parts).toEqual([[9]]);
});
