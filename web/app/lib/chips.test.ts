import { describe, expect, it } from "vitest";
import { changeChip, chipsOf, filterClause, negateChip, withClause, withoutChip } from "./chips";

const first = (query: string) => {
  const chip = chipsOf(query)[0];
  if (!chip) throw new Error(`no chip in ${query}`);
  return chip;
};

describe("chips", () => {
  it("are the filters at the top of a query", () => {
    const query = 'timeout service:cart -level:debug duration>=250ms NOT http.route:"/a b" (x:1 OR y:2)';
    expect(chipsOf(query).map((chip) => chip.text)).toEqual(["service:cart", "-level:debug", "duration>=250ms", 'NOT http.route:"/a b"']);
    expect(chipsOf(query).map((chip) => [chip.field, chip.operator, chip.value, chip.negated])).toEqual([
      ["service", ":", "cart", false],
      ["level", ":", "debug", true],
      ["duration", ">=", "250ms", false],
      ["http.route", ":", "/a b", true],
    ]);
  });

  it("are not taken from a query with an OR at the top, whose parts need each other", () => {
    expect(chipsOf("service:a OR service:b")).toEqual([]);
    expect(chipsOf("service:(a OR b) level:error").map((chip) => chip.text)).toEqual(["level:error"]);
  });

  it("go out and leave the rest as it was written", () => {
    expect(withoutChip("service:cart  timeout", first("service:cart  timeout"))).toBe("timeout");
    expect(withoutChip("timeout service:cart (a  OR b)", first("timeout service:cart (a  OR b)"))).toBe("timeout (a  OR b)");
    expect(withoutChip("timeout AND service:cart", first("timeout AND service:cart"))).toBe("timeout");
    expect(withoutChip("service:cart AND timeout", first("service:cart AND timeout"))).toBe("timeout");
  });

  it("turn into their opposite and back, without a loss", () => {
    for (const query of ["a service:cart b", 'x level:"in fo"']) {
      const turned = negateChip(query, first(query));
      expect(first(turned).negated).toBe(true);
      expect(negateChip(turned, first(turned))).toBe(query);
    }
    expect(negateChip("NOT service:cart", first("NOT service:cart"))).toBe("service:cart");
  });

  it("are ranges and searches of all of a record too, and lose nothing", () => {
    const query = 'a duration:[250ms TO 2s} NOT time:{* TO now] -*:"connection refused" *:~"x [a-z]" b';
    expect(chipsOf(query).map((chip) => chip.text)).toEqual(["duration:[250ms TO 2s}", "NOT time:{* TO now]", '-*:"connection refused"', '*:~"x [a-z]"']);
    for (const chip of chipsOf(query)) {
      const turned = negateChip(query, chip);
      expect(chipsOf(turned).length).toBe(4);
      expect(withoutChip(query, chip)).toBe(query.replace(`${chip.text} `, ""));
      if (!chip.negated) expect(changeChip(query, chip, chip.value)).toBe(query);
    }
  });

  it("stay ranges, or texts, when their value changes", () => {
    const range = "duration:[1ms TO 2ms]";
    expect(changeChip(range, first(range), "[1ms TO 9ms}")).toBe("duration:[1ms TO 9ms}");
    expect(changeChip(range, first(range), "5ms")).toBe("duration:5ms");
    const text = 'x:"[1 TO 5]"';
    expect(changeChip(text, first(text), "[1 TO 5]")).toBe(text);
  });

  it("take another value, quoted when it must be", () => {
    expect(changeChip("-service:cart x", first("-service:cart x"), "web shop")).toBe('-service:"web shop" x');
    expect(changeChip("duration>1s", first("duration>1s"), "2s")).toBe("duration>2s");
  });
});

it("a filter that is put together is a chip of the same field, operator and value", () => {
  const cases = [["http.route", "is", "/api/*"], ["user.name", "is", 'a "b" c'], ["level", "not", "info"], ["path", "regex", "^/v[12]/ x"], ["size", ">=", "10"], ["duration", "<", "1.5s"]] as const;
  for (const [field, operator, value] of cases) {
    const [chip, ...others] = chipsOf(withClause("timeout", filterClause(field, operator, value)));
    expect([chip?.field, chip?.negated, others.length]).toEqual([field, operator === "not", 0]);
    expect(chip?.value.replace(/^~"?|"$/g, "")).toBe(value);
  }
  expect(filterClause("user.id", "has", "")).toBe("has:user.id");
  expect(filterClause("user.id", "lacks", "")).toBe("-has:user.id");
});

it("a filter is added to all of the query, which stays as it was written", () => {
  expect(withClause("  ", "a:b")).toBe("a:b");
  expect(withClause('x   AND "y z"', "a:b")).toBe('x   AND "y z" a:b');
  expect(withClause("x OR y", "a:b")).toBe("(x OR y) a:b");
  expect(withClause("(x OR y) z", "a:b")).toBe("(x OR y) z a:b");
  expect(withClause('"x OR y"', "a:b")).toBe('"x OR y" a:b');
});
