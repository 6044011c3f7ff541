import { expect, test } from "vitest";
import { distinctColours, serviceColour, SLOTS } from "./colour";

test("lines of one chart have different colours as long as there are some, and keep their own where they can", () => {
  const names = Array.from({ length: SLOTS }, (_, at) => `service-${at}`);
  const colours = distinctColours("service_name", names);
  expect(new Set(colours).size).toBe(SLOTS);
  expect(colours[0]).toBe(serviceColour("service-0"));
  expect(distinctColours("service_name", ["(none)", "(other)"])).toEqual(["var(--level-unset)", "var(--level-unset)"]);
});
