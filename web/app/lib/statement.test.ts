import { describe, expect, it } from "vitest";
import { sqlPieces } from "./statement";

const laidOut = (text: string): string | undefined => sqlPieces(text)?.map((piece) => piece.text).join("");

describe("a statement of a database", () => {
  it("has a line for each clause and condition", () => {
    expect(laidOut("SELECT a, count(*) FROM t LEFT JOIN u ON t.id = u.id WHERE a = 'x  from y' AND b IN (1, 2) OR c > ? GROUP BY a ORDER BY 2 DESC LIMIT 10")).toBe(
      ["SELECT a, count(*)", "FROM t", "LEFT JOIN u ON t.id = u.id", "WHERE a = 'x  from y'", "  AND b IN (1, 2)", "  OR c > ?", "GROUP BY a", "ORDER BY 2 DESC", "LIMIT 10"].join("\n"),
    );
  });

  it("has inner statements further in", () => {
    expect(laidOut("select * from (select id from t where x = 1) s where id > 2")).toBe(["select *", "from (", "  select id", "  from t", "  where x = 1", ") s", "where id > 2"].join("\n"));
  });

  it("writes what changes rows too", () => {
    expect(laidOut("INSERT INTO t (a, b) VALUES (?, ?) RETURNING id")).toBe("INSERT INTO t (a, b)\nVALUES (?, ?)\nRETURNING id");
    expect(laidOut("UPDATE t SET a = 1 WHERE b = 2")).toBe("UPDATE t\nSET a = 1\nWHERE b = 2");
    expect(laidOut("DELETE FROM t WHERE a = 1")).toBe("DELETE FROM t\nWHERE a = 1");
  });

  it("changes nothing but blanks, whatever it is given", () => {
    const bare = (text: string): string => text.replace(/\s+/g, "");
    for (const text of ["SELECT 'it''s", 'select "a b" -- from x\nfrom t', "SELECT /* from */ 1)) from ((", "with a as (select 1) select * from a", "SELECT ünï FROM `x y` where z=$1 AND q=:p"]) {
      expect(bare(laidOut(text) ?? "")).toBe(bare(text));
    }
  });

  it("is none of other languages", () => {
    for (const text of ["GET user:1", '{"find": "users"}', "", "selection of things", "HGETALL x"]) expect(sqlPieces(text)).toBeNull();
  });
});
