import { expect, it } from "vitest";
import { cellLayout, DEFAULT_CELLS, readCells, writeCells } from "./tracecells";

const NONE = { widths: {}, pinned: [] };

it("the columns of a list of traces stand in the address, the usual ones do not", () => {
  expect(readCells(null, null)).toEqual(DEFAULT_CELLS);
  expect(readCells(null, "duration,root")).toEqual(["duration", "root"]);
  expect(readCells("trace_id,root,root,nothing", "duration")).toEqual(["trace_id", "root"]);
  expect(readCells("nothing", null)).toEqual(DEFAULT_CELLS);
  expect(writeCells(DEFAULT_CELLS)).toBeNull();
  expect(writeCells(["root", "time"])).toBe("root,time");
});

it("those for which there is no room give way from the end, but for pinned ones", () => {
  expect(cellLayout(DEFAULT_CELLS, NONE, 7, 1200, false).shown).toEqual(DEFAULT_CELLS);
  expect(cellLayout(DEFAULT_CELLS, NONE, 7, 720, false).shown).toEqual(["time", "root", "duration", "spans", "errors"]);
  expect(cellLayout(DEFAULT_CELLS, { widths: {}, pinned: ["services"] }, 7, 720, false).shown).toEqual(["time", "root", "duration", "spans", "services"]);
  expect(cellLayout(DEFAULT_CELLS, NONE, 7, 10, false).shown).toEqual(["time", "root"]);
  expect(cellLayout(DEFAULT_CELLS, { widths: {}, pinned: [...DEFAULT_CELLS] }, 7, 10, false).shown).toEqual(DEFAULT_CELLS);
});

it("a column is as wide as was chosen, and some column takes what is left over", () => {
  expect(cellLayout(["time", "root", "errors"], { widths: { root: 40 }, pinned: [] }, 7, 1200, true).template).toBe("minmax(172px, 172px) 280px minmax(52px, 1fr)");
  expect(cellLayout(["time", "root"], NONE, 7, 1200, false).template).toBe("minmax(142px, 142px) minmax(120px, 1.8fr)");
});
