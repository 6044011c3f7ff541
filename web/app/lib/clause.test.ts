import { describe, expect, it } from "vitest";
import { chipsOf, withChip, withClause, type Chip } from "./chips";
import { changedClause, clauseText, endsOf, kindOf, operatorsOf, rangeText, readClause, withPart, type Said } from "./clause";

const first = (query: string): Chip => {
  const chip = chipsOf(query)[0];
  if (!chip) throw new Error(`no chip in ${query}`);
  return chip;
};
const changed = (query: string, patch: Partial<Said>): string => {
  const chip = first(query);
  return withChip(query, chip, changedClause(chip, { ...readClause(chip), ...patch }));
};

const WRITTEN: [string, Said][] = [
  ["service:cart", { field: "service", base: "is", negated: false, value: "cart" }],
  ["-service:cart", { field: "service", base: "is", negated: true, value: "cart" }],
  ['user.name:"a \\"b\\" c"', { field: "user.name", base: "is", negated: false, value: 'a "b" c' }],
  ["path:*v1*", { field: "path", base: "contains", negated: false, value: "v1" }],
  ["-path:*v1*", { field: "path", base: "contains", negated: true, value: "v1" }],
  ['body:"connection refused"', { field: "body", base: "contains", negated: false, value: "connection refused" }],
  ['body="order 17"', { field: "body", base: "is", negated: false, value: "order 17" }],
  ["*:refused", { field: "*", base: "contains", negated: false, value: "refused" }],
  ['path:~"^/api/v\\\\d+ (x)"', { field: "path", base: "regex", negated: false, value: "^/api/v\\d+ (x)" }],
  ["duration>=250ms", { field: "duration", base: ">=", negated: false, value: "250ms" }],
  ["time<2023-01-29T08:00:03Z", { field: "time", base: "<", negated: false, value: "2023-01-29T08:00:03Z" }],
  ["duration:[12ms TO 40ms}", { field: "duration", base: "range", negated: false, value: "[12ms TO 40ms}" }],
  ["status:(ok OR error)", { field: "status", base: "list", negated: false, value: "ok OR error" }],
  ["-status:(ok OR error)", { field: "status", base: "list", negated: true, value: "ok OR error" }],
  ["has:user.id", { field: "user.id", base: "has", negated: false, value: "" }],
  ["-has:user.id", { field: "user.id", base: "has", negated: true, value: "" }],
];

describe("a clause and what it says", () => {
  it("are each made of the other", () => {
    for (const [text, said] of WRITTEN) {
      expect(readClause(first(text))).toEqual(said);
      expect(clauseText(said)).toBe(text);
      expect(chipsOf(withClause("timeout", text)).map((chip) => chip.text)).toEqual([text]);
    }
  });

  it("stay letter by letter where nothing was changed, whatever the spelling", () => {
    const spellings = ["NOT x:1", "-NOT x:1", "x:!=1", "x==1", "x:>=5", 'x:"[1 TO 5]"', 'x:"c*"', "x:~a.b", 'x:~"\\d"', '-has:"a b"', 'duration:{ "1 s"  TO * ]', "x:( a  OR b )", '"my field":1'];
    for (const clause of spellings) {
      const query = `a  ${clause}  b`;
      expect(changed(query, {})).toBe(query);
    }
  });
});

describe("another operator", () => {
  it("takes the place of the one that was there, and the rest of the query stays", () => {
    const query = "a  NOT service:cart  (b OR c)";
    expect(changed(query, { negated: false })).toBe("a  service:cart  (b OR c)");
    expect(changed(query, { base: "contains", negated: false })).toBe("a  service:*cart*  (b OR c)");
    expect(changed(query, { base: "regex" })).toBe('a  -service:~"cart"  (b OR c)');
    expect(changed(query, { base: "has" })).toBe("a  -has:service  (b OR c)");
    expect(changed("x>5 y", { base: "<=" })).toBe("x<=5 y");
    expect(changed("x>5 y", { base: "range", value: "[5 TO 9]" })).toBe("x:[5 TO 9] y");
    expect(changed("x:[5 TO 9] y", { base: ">", value: "5" })).toBe("x>5 y");
    expect(changed("x:a y", { base: "list", value: "a, b c" })).toBe('x:(a OR "b c") y');
    expect(changed("body:refused", { base: "is" })).toBe("body=refused");
    expect(changed("x!=a", { negated: false })).toBe("x=a");
    expect(changed("x=a", { negated: true })).toBe("-x=a");
    expect(changed("has:x", { base: "is", value: "5" })).toBe("x:5");
  });

  it("that looks for a part goes without wildcards where the part cannot be written bare", () => {
    expect(changed("x:a", { base: "contains", value: "a.b (c)" })).toBe('x:~"a\\\\.b \\\\(c\\\\)"');
    expect(changed("x:*a*", { value: "50%*" })).toBe('x:~"50%\\\\*"');
  });
});

describe("another value", () => {
  it("is in quotes where it must be, or where that one was, in which `*` is no wildcard", () => {
    expect(changed("-service:cart x", { value: "web shop" })).toBe('-service:"web shop" x');
    expect(changed('x:"c*"', { value: "d*" })).toBe('x:"d*"');
    expect(changed("x:c*", { value: "d*" })).toBe("x:d*");
    expect(changed('x>"5"', { value: "6" })).toBe('x>"6"');
    expect(changed("x==1", { value: "2" })).toBe("x==2");
    expect(changed("x!=1", { value: "2" })).toBe("x!=2");
    expect(changed("NOT x:1", { value: "OR" })).toBe('NOT x:"OR"');
    expect(changed("http:a", { value: "//b" })).toBe('http:"//b"');
    expect(changed("NOT duration:[1ms TO 2ms]", { value: "[1ms TO 9ms}" })).toBe("NOT duration:[1ms TO 9ms}");
  });

  it("of a range has the ends that were typed, and one that is left empty is open", () => {
    expect(endsOf('{"a b" TO *]')).toEqual({ low: "a b", open: "{", high: "", close: "]" });
    expect(rangeText({ low: "", open: "[", high: "2s", close: "}" })).toBe("[* TO 2s}");
    expect(rangeText({ low: "u0", open: "[", high: "u 9", close: "]" })).toBe('[u0 TO "u 9"]');
    expect(rangeText(endsOf('["1" TO "5"]'), '["1" TO "5"]')).toBe('["1" TO "5"]');
    expect(rangeText({ ...endsOf('["1" TO 5]'), low: "2", high: "6" }, '["1" TO 5]')).toBe('["2" TO 6]');
  });
});

it("what can be said of a field is what its values allow, and what is said of it now", () => {
  const labels = (field: string, types: string[] = []): string[] => operatorsOf(kindOf("spans", field, types), { base: "is", negated: false }).map((each) => each.label);
  expect(labels("http.route", ["string"])).toEqual(["is", "is not", "contains", "does not contain", "matches", "does not match", "is one of", "is none of", ">", "≥", "<", "≤", "between", "is there", "is missing"]);
  expect(labels("http.status_code", ["int"])).not.toContain("contains");
  expect(labels("retry", ["bool"])).toEqual(["is", "is not", "is there", "is missing"]);
  expect(labels("kind")).toEqual(["is", "is not", "is one of", "is none of"]);
  expect(labels("duration")).toEqual([">", "≥", "<", "≤", "between", "is", "is not"]);
  expect(kindOf("logs", "duration", ["int", "string"])).toBe("text");
  expect(operatorsOf("flag", { base: "range", negated: true }).at(-1)?.label).toBe("not between");
});

it("a part of a value narrows a query, whatever else it asks", () => {
  expect(withPart("", "name", "")).toBe("");
  expect(withPart(" ", "http.route", "/a.b")).toBe('http.route:~"(?i)/a\\\\.b"');
  expect(withPart("a OR b", "name", "x")).toBe('(a OR b) name:~"(?i)x"');
});
