import { describe, expect, it } from "vitest";
import { anyIdQuery, anywhere, asSpanId, asTraceId, asUuid, filterText, hasFilter, markMatches, matchTerms, rangeEnds, termPattern, toggleFilter, tokenise } from "./query";

describe("tokens", () => {
  it("lose no character", () => {
    for (const text of ['a  b', 'service:checkout -level:info "x \\" y" (a OR NOT b)', 'k:"open', "severity>=warn)", "a-b:c", "::", '"', "*:x -*:~\"a b\" *", 'd:[1 TO "x ] y"} z:{* TO', "x:[(a)]"] ) {
      expect(tokenise(text).map((token) => token.text).join("")).toBe(text);
    }
  });

  it("tell fields, operators and values apart", () => {
    expect(tokenise("http.status:>=500 x").map((token) => token.kind)).toEqual(["field", "operator", "value", "space", "word"]);
    expect(tokenise("-a NOT b").map((token) => token.kind)).toEqual(["minus", "word", "space", "keyword", "space", "word"]);
    expect(tokenise("*:x * y").map((token) => token.kind)).toEqual(["field", "operator", "value", "space", "word", "space", "word"]);
  });

  it("keep a range together, also one with brackets in quotes or not yet closed", () => {
    const values = (query: string): string[] => tokenise(query).filter((token) => token.kind === "value").map((token) => token.text);
    expect(values("duration:[250ms TO 2s} x:{* TO 5] y")).toEqual(["[250ms TO 2s}", "{* TO 5]"]);
    expect(values('x:["a ] b" TO *] z')).toEqual(['["a ] b" TO *]']);
    expect(values("(x:[1 TO 5) y:z")).toEqual(["[1 TO 5", "z"]);
    expect(values("x:~[a-z]+ y=[a b")).toEqual(["[a-z]+", "[a"]);
  });

  it("of a range are comparisons with its ends", () => {
    expect(rangeEnds("[250ms TO 2s}")).toEqual([{ operator: ">=", value: "250ms" }, { operator: "<", value: "2s" }]);
    expect(rangeEnds('{ "a b" TO * ]')).toEqual([{ operator: ">", value: "a b" }]);
    for (const text of ["[1 TO]", "[1 to 5]", "[1 TO 5", "250ms", '"[1 TO 5]"']) expect(rangeEnds(text)).toBeNull();
  });
});

describe("what is marked in a body", () => {
  it("is words, phrases and body values, not fields or what is excluded", () => {
    expect(matchTerms('timeout "connection refused" service:cart -noise NOT other body:x')).toEqual(["timeout", "connection refused", "x"]);
    expect(matchTerms('*:refused -*:noise *:~"a" body:[a TO b]')).toEqual(["refused"]);
  });

  it("is whole tokens, as the server counts them", () => {
    const mark = (query: string, text: string): string[] => markMatches(text, termPattern(matchTerms(query))).filter((piece) => piece.marked).map((piece) => piece.text);
    expect(mark("pay", "Pay payment pay-out")).toEqual(["Pay", "pay"]);
    expect(mark("pay*", "Pay payment")).toEqual(["Pay", "payment"]);
    expect(mark('"time out"', "time-out, timeout")).toEqual(["time-out"]);
    expect(mark("a.b", "x a.b y")).toEqual(["a.b"]);
  });

  it("keeps the text whole", () => {
    expect(markMatches("one two one", /one/g).map((piece) => piece.text).join("")).toBe("one two one");
    expect(markMatches("", /x/g)).toEqual([{ text: "", marked: false }]);
  });
});

describe("filters", () => {
  it("quote values that need it", () => {
    expect(filterText("service", "cart-2")).toBe("service:cart-2");
    expect(filterText("k", 'a "b" c')).toBe('k:"a \\"b\\" c"');
    expect(filterText("k", "*")).toBe('k:"*"');
    expect(filterText("k", "OR")).toBe('k:"OR"');
    expect(filterText("k", "v", true)).toBe("-k:v");
  });

  it("go in, turn round and go out", () => {
    const included = toggleFilter("timeout", "service", "cart", false);
    expect(included).toBe("timeout service:cart");
    expect(hasFilter(included, "service", "cart", false)).toBe(true);
    expect(toggleFilter(included, "service", "cart", true)).toBe("timeout -service:cart");
    expect(toggleFilter(included, "service", "cart", false)).toBe("timeout");
  });

  it("do not change what an OR means", () => {
    expect(toggleFilter("a OR b", "service", "cart", false)).toBe("(a OR b) service:cart");
    expect(toggleFilter("(a OR b)", "service", "cart", false)).toBe("(a OR b) service:cart");
    expect(toggleFilter("(a OR b) OR (c)", "k", "v", false)).toBe("((a OR b) OR (c)) k:v");
    expect(toggleFilter("a OR k:v", "k", "v", false)).toBe("(a OR k:v) k:v");
    expect(hasFilter("a OR k:v", "k", "v", false)).toBe(false);
  });

  it("are told from their negation", () => {
    expect(hasFilter("NOT k:v", "k", "v", false)).toBe(false);
    expect(toggleFilter("x AND NOT k:v", "k", "v", false)).toBe("x NOT k:v k:v");
  });
});

describe("a pasted trace id", () => {
  const id = "0af7651916cd43dd8448eb211c80319c";
  it("is found in the forms in which people copy it", () => {
    for (const text of [id, ` ${id.toUpperCase()} `, `trace_id:${id}`, `traceId=${id}`, `"${id}",`, "0af76519-16cd-43dd-8448-eb211c80319c", `00-${id}-b7ad6b7169203331-01`, `traceparent: 00-${id}-b7ad6b7169203331-00`]) expect(asTraceId(text)).toBe(id);
    expect(asTraceId(`${id}0`)).toBeNull();
    expect(asTraceId("error")).toBeNull();
  });

  it("may be a UUID of something else, which is looked for as it may be written", () => {
    expect(asUuid(" 0AF76519-16cd-43dd-8448-eb211c80319c ")).toBe("0af76519-16cd-43dd-8448-eb211c80319c");
    for (const text of [id, "0af76519-16cd-43dd-8448-eb211c80319", "x 0af76519-16cd-43dd-8448-eb211c80319c"]) expect(asUuid(text)).toBeNull();
    expect(anyIdQuery(id)).toBe(`trace_id:${id} OR ${id} OR "0af76519-16cd-43dd-8448-eb211c80319c"`);
  });

  it("is told from that of a span, which is never a plain number", () => {
    expect(asSpanId(" 00F067AA0BA902B7 ")).toBe("00f067aa0ba902b7");
    for (const text of ["1234567890123456", "00f067aa0ba902b", "span_id:00f067aa0ba902b7", '"00f067aa0ba902b7"', ""]) expect(asSpanId(text)).toBeNull();
  });
});

describe("words", () => {
  it("are looked for anywhere in a record where nothing else is asked", () => {
    expect(anywhere(' refused "order 17"')).toBe('*:refused *:"order 17"');
    for (const query of ["", "a level:error", "a OR b", "-a", "timeuot~2"]) expect(anywhere(query), query).toBeNull();
  });
});
