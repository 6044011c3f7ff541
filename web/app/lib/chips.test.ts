import { describe, expect, it } from "vitest";
import { chipsOf, negateChip, withClause, withoutChip } from "./chips";

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
    expect(chipsOf("service:(a OR b) level:error").map((chip) => chip.text)).toEqual(["service:(a OR b)", "level:error"]);
  });

  it("are lists of values, but not what is asked of other records, nor an address", () => {
    const query = '-x:("a ) b" OR [1 TO 5]) trace:(status:error) logs:(a OR b) https://example.org "my field":1 "trace":(a) x:((a))';
    expect(chipsOf(query).map((chip) => [chip.text, chip.isList, chip.raw])).toEqual([
      ['-x:("a ) b" OR [1 TO 5])', true, '"a ) b" OR [1 TO 5]'],
      ['"my field":1', false, "1"],
      ['"trace":(a)', true, "a"],
    ]);
    for (const chip of chipsOf(query)) expect(query.slice(chip.start, chip.end)).toBe(chip.text);
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
    expect(first("NOT -service:cart").negated).toBe(false);
    expect(negateChip("a x!=1 b", first("a x!=1 b"))).toBe("a x=1 b");
  });

  it("are ranges and searches of all of a record too, and lose nothing", () => {
    const query = 'a duration:[250ms TO 2s} NOT time:{* TO now] -*:"connection refused" *:~"x [a-z]" b';
    expect(chipsOf(query).map((chip) => chip.text)).toEqual(["duration:[250ms TO 2s}", "NOT time:{* TO now]", '-*:"connection refused"', '*:~"x [a-z]"']);
    for (const chip of chipsOf(query)) {
      const turned = negateChip(query, chip);
      expect(chipsOf(turned).length).toBe(4);
      expect(withoutChip(query, chip)).toBe(query.replace(`${chip.text} `, ""));
    }
  });
});

it("a filter is added to all of the query, which stays as it was written", () => {
  expect(withClause("  ", "a:b")).toBe("a:b");
  expect(withClause('x   AND "y z"', "a:b")).toBe('x   AND "y z" a:b');
  expect(withClause("x OR y", "a:b")).toBe("(x OR y) a:b");
  expect(withClause("(x OR y) z", "a:b")).toBe("(x OR y) z a:b");
  expect(withClause('"x OR y"', "a:b")).toBe('"x OR y" a:b');
});
