import { expect, it } from "vitest";
import { EXISTS, fieldIn, fieldName } from "./fields";
import { filterText, hasFilter, toggleFilter } from "./query";

it("names that are none are in quotes", () => {
  for (const name of ["http.route", "x.y-z/w@$", "ключ", "UPPER"]) expect(fieldName(name)).toBe(name);
  expect(fieldName('a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
  for (const name of ["has space", "a:b", "1st", "-dash", "(p)", "*", "."]) expect(fieldName(name)).toBe(`"${name}"`);
  // Words of the language: `has:x` and `trace:(…)` ask something else.
  for (const name of ["has", "trace", "logs"]) expect(filterText(name, "x")).toBe(`"${name}":x`);
  expect(fieldIn("attributes", "has")).toBe("has");
  expect(filterText(EXISTS, "k8s.pod.name")).toBe("has:k8s.pod.name");
  expect(toggleFilter("", EXISTS, "a b", true)).toBe('-has:"a b"');
  expect(filterText("has space", "x y")).toBe('"has space":"x y"');
  expect(toggleFilter("a", "a:b", "1", true)).toBe('a -"a:b":1');
  expect(hasFilter('a "a:b":1', "a:b", "1", false)).toBe(true);
});

it("keys that mean something else, or are hidden, say where they are", () => {
  expect(fieldIn("attributes", "http.route")).toBe("http.route");
  expect(fieldIn("attributes", "service")).toBe("attributes.service");
  expect(fieldIn("attributes", "service.name")).toBe("attributes.service.name");
  expect(fieldIn("attributes", "resource.host")).toBe("attributes.resource.host");
  expect(fieldIn("resource", "service.name")).toBe("service");
  expect(fieldIn("resource", "host", [{ path: 1 }, { host: 2 }])).toBe("resource.host");
  expect(fieldIn("resource", "host", [{ path: 1 }])).toBe("host");
  expect(fieldIn("scope", "name")).toBe("scope.name");
});
