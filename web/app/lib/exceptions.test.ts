import { describe, expect, it } from "vitest";
import { exceptionGroups, exceptionsQuery } from "./exceptions";

describe("exceptions of a service", () => {
  it("are asked for within the range, whatever the service is called", () => {
    const query = exceptionsQuery("o'brien", { start: "2023-01-29T08:00:00.000Z", end: null }, 0);
    expect(query).toContain("service_name = 'o''brien' AND start_time >= TIMESTAMP '2023-01-29T08:00:00.000Z')");
    expect(query).not.toContain("start_time <");
    expect(exceptionsQuery("x", { start: null, end: null }, 0)).not.toContain("TIMESTAMP");
  });

  it("may lack a type or a message", () => {
    expect(exceptionGroups([[null, null, 3, "a", "b", "t", "s"]])[0]).toEqual({ type: "(no type)", message: "", count: 3, first: "a", last: "b", traceId: "t", spanId: "s" });
  });
});
