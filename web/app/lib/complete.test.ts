import { describe, expect, it } from "vitest";
import { targetAt, valueText } from "./complete";

describe("what may be completed", () => {
  it("is a field where a word begins", () => {
    expect(targetAt("level:error http.r", 18)).toEqual({ kind: "field", field: "", prefix: "http.r", start: 12, end: 18 });
    expect(targetAt("level:error ", 12)).toMatchObject({ kind: "field", prefix: "", start: 12 });
    expect(targetAt("-", 1)).toMatchObject({ kind: "field", start: 1 });
  });

  it("is a value after a field, also within quotes and in the middle of the text", () => {
    expect(targetAt("service:", 8)).toEqual({ kind: "value", field: "service", prefix: "", start: 8, end: 8 });
    expect(targetAt('service:"web s', 14)).toMatchObject({ kind: "value", field: "service", prefix: "web s" });
    expect(targetAt("service:ca level:x", 10)).toEqual({ kind: "value", field: "service", prefix: "ca", start: 8, end: 10 });
    expect(targetAt("service!=ca", 11)).toMatchObject({ kind: "value", field: "service", prefix: "ca" });
  });

  it("is nothing after a comparison, whose values are numbers", () => {
    expect(targetAt("duration>2", 10)).toBeNull();
    expect(targetAt("duration:[2", 11)).toBeNull();
    expect(targetAt("duration:[2ms TO ", 17)).toBeNull();
    expect(targetAt("*:wor", 5)).toBeNull();
    expect(targetAt("*:", 2)).toBeNull();
  });

  it("writes values so that they are read back", () => {
    expect(valueText("web shop")).toBe('"web shop"');
    expect(valueText("cart")).toBe("cart");
  });
});
