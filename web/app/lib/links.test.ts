import { describe, expect, it } from "vitest";
import { linkPieces } from "./links";

const hrefs = (text: string): (string | null)[] => linkPieces(text).map(({ href }) => href);
const joined = (text: string): string => linkPieces(text).map((piece) => piece.text).join("");

describe("addresses in values", () => {
  it("can be clicked, without what the sentence puts after them", () => {
    expect(linkPieces("see https://a.example/x?y=1, then (http://b.example/z).")).toEqual([
      { text: "see ", href: null },
      { text: "https://a.example/x?y=1", href: "https://a.example/x?y=1" },
      { text: ", then (", href: null },
      { text: "http://b.example/z", href: "http://b.example/z" },
      { text: ").", href: null },
    ]);
  });

  it("are only those of the web", () => {
    for (const text of ["javascript:alert(1)", "data:text/html,<script>", "file:///etc/passwd", "//evil.example", "http://", "https://bank.example@evil.example/"]) {
      expect(hrefs(text)).toEqual([null]);
    }
  });

  it("lose no character", () => {
    for (const text of ["", "x", "<b>https://a.example/<i></b>", '"https://a.example"']) expect(joined(text)).toBe(text);
  });
});
