import { expect, it } from "vitest";
import { knownSize, rememberSizes } from "./sizes";

it("remembers the newest sizes of a bounded number of traces", () => {
  rememberSizes([{ trace_id: "first", span_count: 3 }, { trace_id: "second", span_count: 4 }]);
  rememberSizes([{ trace_id: "first", span_count: 5 }]);
  expect([knownSize("first"), knownSize("second"), knownSize("third")]).toEqual([5, 4, null]);
  rememberSizes(Array.from({ length: 1999 }, (_, at) => ({ trace_id: String(at), span_count: at })));
  expect([knownSize("first"), knownSize("second"), knownSize("1998")]).toEqual([5, null, 1998]);
});
