import { expect, test } from "vitest";

const SHEETS = import.meta.glob<string>("./*.css", { query: "?raw", import: "default", eager: true });

const SPACE = /^\s*(?:margin|padding|gap|row-gap|column-gap|(?:margin|padding)-[a-z-]+):\s*([^;]+);(.*)$/;
/** Hairlines and what stands within them. */
const HAIR_PX = 2;

/** Lines of a style sheet with a distance of their own that does not say what it is measured by. */
const ownDistances = (css: string): string[] =>
  css.split("\n").flatMap((line) => {
    const [, value = "", after = ""] = SPACE.exec(line) ?? [];
    const own = [...value.matchAll(/(?:^|[\s(+*-])(\d*\.?\d+)(px|r?em|ch)\b/g)].some(([, size, unit]) => !(unit === "px" && Number(size) <= HAIR_PX));
    return own && !after.includes("/*") ? [line.trim()] : [];
  });

test("distances are steps of the scale, or say on their line what they are measured by", () => {
  expect(Object.keys(SHEETS).length).toBeGreaterThan(20);
  expect(Object.entries(SHEETS).flatMap(([name, css]) => ownDistances(css).map((line) => `${name}: ${line}`))).toEqual([]);
});

test("a distance of its own is found", () => {
  expect(ownDistances("a {\n  margin: 0 var(--space-2) -7px;\n  padding: calc(0.5em + 1px);\n  gap: 1px 2px;\n  padding-left: 58px; /* the axis */\n  height: 90px;\n}")).toEqual(["margin: 0 var(--space-2) -7px;", "padding: calc(0.5em + 1px);"]);
});
