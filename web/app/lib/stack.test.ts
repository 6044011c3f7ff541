import { describe, expect, it } from "vitest";
import { foldStack, type StackPart } from "./stack";

const JAVA = `java.lang.IllegalStateException: no stock
\tat shop.Cart.reserve(Cart.java:41)
\tat shop.Cart.add(Cart.java:20)
\tat shop.Api.post(Api.java:9)
\tat org.springframework.web.A.b(A.java:1)
\tat org.springframework.web.C.d(C.java:2)
\tat java.base/java.lang.Thread.run(Thread.java:829)
\tat shop.Filter.run(Filter.java:7)
Caused by: java.io.IOException: gone
\t... 12 more`;

const joined = (parts: StackPart[]): string => parts.flatMap((part) => (part.kind === "text" ? part.lines : part.hidden)).join("\n");
const hidden = (parts: StackPart[]): number[] => parts.flatMap((part) => (part.kind === "frames" ? [part.hidden.length] : []));

describe("stack traces", () => {
  it("keep the first frames and one's own, and fold the libraries'", () => {
    const parts = foldStack(JAVA);
    expect(hidden(parts)).toEqual([3]);
    expect(joined(parts)).toBe(JAVA);
    expect(parts.find((part) => part.kind === "text" && part.lines.join().includes("shop.Filter"))).toBeDefined();
  });

  it("of Python fold a frame with its source line", () => {
    const frames = ["app.py", "app.py", "/usr/lib/python3/site-packages/flask/a.py", "/usr/lib/python3/site-packages/flask/b.py"];
    const text = ["Traceback (most recent call last):", ...frames.flatMap((file) => [`  File "${file}", line 3, in x`, "    call()"]), "ValueError: no"].join("\n");
    expect(joined(foldStack(text))).toBe(text);
    expect(foldStack("two\n  at once\nlines")).toEqual([{ kind: "text", lines: ["two", "  at once", "lines"] }]);
  });
});
