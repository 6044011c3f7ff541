import { describe, expect, it } from "vitest";
import { columnsThatFit, readColumns, rowLayout, TIME_WIDTH, writeColumns } from "./layout";

describe("columns", () => {
  it("stand in the address, the default ones do not", () => {
    expect(readColumns(null)).toEqual(["level", "service"]);
    for (const columns of [[], ["level"], ["level", "service", "http.route"]]) expect(readColumns(writeColumns(columns))).toEqual(columns);
    expect(writeColumns(["level", "service"])).toBeNull();
  });

  it("leave the rest of the width to the body", () => {
    const wide = rowLayout(["level", "service"], [], 7, 1400, TIME_WIDTH.day, false);
    expect(wide.template).toBe("19ch 6ch 22ch minmax(0, 1fr)");
    expect(wide.fit).toBe(Math.floor((1400 - (19 + 6 + 22) * 7 - 36) / 7));
    expect(rowLayout(["a".repeat(99)], [], 7, 100, TIME_WIDTH.year, true).fit).toBe(10);
  });

  it("are as wide as was chosen, and give way from the end, but for pinned ones", () => {
    expect(rowLayout(["level", "service"], [], 7, 1400, TIME_WIDTH.day, true, { widths: { service: 40 }, pinned: [] }).template).toBe("19ch 6ch 40ch minmax(0, 1fr)");
    const columns = ["level", "service", "trace_id", "span_id"];
    expect(columnsThatFit(columns, [], 7, 700, TIME_WIDTH.day, false)).toEqual(["level", "service"]);
    expect(columnsThatFit(columns, [], 7, 700, TIME_WIDTH.day, false, { widths: {}, pinned: ["span_id"] })).toEqual(["level", "span_id"]);
    expect(columnsThatFit(columns, [], 7, 100, TIME_WIDTH.day, false, { widths: {}, pinned: columns })).toEqual(columns);
  });
});
