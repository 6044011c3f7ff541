import { expect, test } from "vitest";
import { readPins } from "./pins";

test("pins are lists of names by table, and anything else is none", () => {
  expect(readPins('{"logs":["host.name"],"spans":[]}')).toEqual({ logs: ["host.name"], spans: [] });
  expect(readPins('{"logs":["host.name",1],"spans":["kind"]}')).toEqual({ spans: ["kind"] });
  for (const text of [null, "", "7", "null", "{"]) expect(readPins(text)).toEqual({});
});
