import { describe, expect, it } from "vitest";
import { unknownServices, withoutEach } from "./why";

describe("why nothing is found", () => {
  it("may be any one clause", () => {
    expect(withoutEach("level:error (a OR b) -x")).toEqual([
      { clause: "level:error", rest: "(a OR b) -x" },
      { clause: "(a OR b)", rest: "level:error -x" },
      { clause: "-x", rest: "level:error (a OR b)" },
    ]);
    expect(withoutEach("a")).toEqual([]);
    expect(withoutEach("a OR b")).toEqual([]);
  });

  it("may be a service that nobody knows", () => {
    const known = ["checkout", "cart", "shop-cart", "payment"];
    expect(unknownServices("service:chekout x", known)).toEqual([{ name: "chekout", like: ["checkout"] }]);
    expect(unknownServices('service.name:"carts"', known)).toEqual([{ name: "carts", like: ["cart"] }]);
    expect(unknownServices("service:zzz", known)).toEqual([{ name: "zzz", like: [] }]);
    for (const query of ["service:Cart", "-service:nobody", "NOT service:nobody", "service:ca*", "service:(a OR b)", "name:zzz", ""]) expect(unknownServices(query, known)).toEqual([]);
  });
});
