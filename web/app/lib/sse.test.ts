import { describe, expect, it } from "vitest";
import { EventReader } from "./sse";

describe("server-sent events", () => {
  it("are read whole from pieces cut anywhere", () => {
    const text = ':\n\nevent: log\nid: 1.5\ndata: {"a":"b: c"}\n\ndata: x\ndata: y\n\nevent: mark\nid:2.6\ndata:{}\n\n';
    const whole = [
      { event: "log", id: "1.5", data: '{"a":"b: c"}' },
      { event: "message", id: null, data: "x\ny" },
      { event: "mark", id: "2.6", data: "{}" },
    ];
    for (let size = 1; size <= text.length; size += 1) {
      const reader = new EventReader();
      const found = [];
      for (let at = 0; at < text.length; at += size) found.push(...reader.feed(text.slice(at, at + size)));
      expect(found).toEqual(whole);
    }
  });

  it("wait for their end", () => {
    expect(new EventReader().feed("event: log\ndata: {}\n")).toEqual([]);
  });
});
