import { describe, expect, it } from "vitest";
import { readColumns, rowLayout, writeColumns } from "./layout";

describe("columns", () => {
  it("stand in the address, the default ones do not", () => {
    expect(readColumns(null)).toEqual(["level", "service"]);
    for (const columns of [[], ["level"], ["level", "service", "http.route"]]) expect(readColumns(writeColumns(columns))).toEqual(columns);
    expect(writeColumns(["level", "service"])).toBeNull();
  });

  it("leave the rest of the width to the body", () => {
    const wide = rowLayout(["level", "service"], [], 7, 1400, false, false);
    expect(wide.template).toBe("19ch 6ch 22ch minmax(0, 1fr)");
    expect(wide.fit).toBe(Math.floor((1400 - (19 + 6 + 22) * 7 - 36) / 7));
    expect(rowLayout(["a".repeat(99)], [], 7, 100, true, true).fit).toBe(10);
  });
});
