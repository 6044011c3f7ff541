import { describe, expect, it } from "vitest";
import { bytesOf, hexDump, hexOf, withHex } from "./hex";

describe("bytes as hex", () => {
  it("are read from base64, and nothing else is", () => {
    expect([...(bytesOf("AAEC/w==") ?? [])]).toEqual([0, 1, 2, 255]);
    expect(bytesOf("not base64!")).toBeNull();
    expect(bytesOf("")).toHaveLength(0);
  });

  it("stand in lines of sixteen, with the text beside them", () => {
    const dump = hexDump(Uint8Array.from([...Array(16).keys(), 0x68, 0x69, 0xff])).split("\n");
    expect(dump).toEqual(["00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|", `${"00000010  68 69 ff".padEnd(60)}|hi.|`]);
  });

  it("are as many as somebody looks at", () => expect(hexDump(new Uint8Array(1_000_000)).split("\n")).toHaveLength(256));
});

it("bytes of attributes are told from texts that look like them, also within lists and maps", () => {
  expect(hexOf(Uint8Array.of(0, 1, 255))).toBe("00 01 ff");
  expect(withHex("AAE=", undefined)).toBe("AAE=");
  expect(withHex("AAE=", true)).toBe("0x0001");
  expect(withHex("", true)).toBe("0x");
  expect(withHex("not base64!", true)).toBe("not base64!");
  expect(withHex([1, "AAE=", "AAE="], { "1": true })).toEqual([1, "0x0001", "AAE="]);
  expect(withHex({ a: { b: "/w==" }, c: "/w==" }, { a: { b: true } })).toEqual({ a: { b: "0xff" }, c: "/w==" });
  expect(withHex(7, { a: true })).toBe(7);
});
