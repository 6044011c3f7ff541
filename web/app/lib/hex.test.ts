import { describe, expect, it } from "vitest";
import { bytesOf, hexDump } from "./hex";

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
