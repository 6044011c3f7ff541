import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { isGenAi, readGenAi, traceTokens, tokensTaken } from "./genai";

const chat = (attributes: Record<string, unknown>, more = {}): ReturnType<typeof spanOf> => spanOf({ name: "chat", attributes: attributes as never, ...more });
const told = (attributes: Record<string, unknown>): [string, string, string][] =>
  (readGenAi(chat(attributes))?.messages ?? []).flatMap(({ role, parts }) => parts.map((part): [string, string, string] => [role, part.kind, part.name ? `${part.name} ${part.text}` : part.text]));

describe("what a span says of a model", () => {
  it("is nothing for other spans", () => {
    expect(isGenAi(spanOf({ attributes: { "http.route": "/" } }))).toBe(false);
    expect(readGenAi(spanOf({}))).toBeNull();
  });

  it("has models, tokens and settings, and costs only as they were sent", () => {
    const said = readGenAi(chat({ "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "a", "gen_ai.response.model": "a-2", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": "3", "gen_ai.usage.cache_read.input_tokens": 4, "gen_ai.usage.cost": 0.5, "gen_ai.request.temperature": 0.2, "gen_ai.response.finish_reasons": ["stop"] }));
    expect(said).toMatchObject({ provider: "openai", requestModel: "a", responseModel: "a-2", tokens: { input: 10, output: 3, cached: 4, reasoning: 0 }, costs: [{ name: "gen_ai.usage.cost", value: 0.5 }], finish: ["stop"], settings: [{ name: "temperature", value: "0.2" }] });
    expect(readGenAi(chat({ "gen_ai.system": "x", "gen_ai.usage.prompt_tokens": 7, "gen_ai.usage.completion_tokens": 1 }))?.tokens).toMatchObject({ input: 7, output: 1 });
  });

  it("has messages, in the attributes of today, as JSON or not", () => {
    const input = [{ role: "user", parts: [{ type: "text", content: "weather?" }] }, { role: "assistant", parts: [{ type: "tool_call", id: "c1", name: "get", arguments: { city: "Kiel" } }] }, { role: "tool", parts: [{ type: "tool_call_response", id: "c1", result: "rain" }] }];
    const output = [{ role: "assistant", parts: [{ type: "reasoning", content: "hm" }, { type: "text", content: "It rains." }], finish_reason: "stop" }];
    const expected = [["system", "text", "be brief"], ["user", "text", "weather?"], ["assistant", "call", 'get {\n  "city": "Kiel"\n}'], ["tool", "result", "rain"], ["assistant", "reasoning", "hm"], ["assistant", "text", "It rains."]];
    const system = [{ type: "text", content: "be brief" }];
    expect(told({ "gen_ai.system_instructions": system, "gen_ai.input.messages": input, "gen_ai.output.messages": output })).toEqual(expected);
    expect(told({ "gen_ai.system_instructions": JSON.stringify(system), "gen_ai.input.messages": JSON.stringify(input), "gen_ai.output.messages": JSON.stringify(output) })).toEqual(expected);
  });

  it("has messages flattened into names, and in events", () => {
    expect(told({ "gen_ai.prompt.1.content": "hi", "gen_ai.prompt.1.role": "user", "gen_ai.prompt.0.content": "be kind", "gen_ai.prompt.0.role": "system", "gen_ai.completion.0.content": "hello", "gen_ai.completion.0.tool_calls.0.name": "f", "gen_ai.completion.0.tool_calls.0.arguments": "{}" })).toEqual([
      ["system", "text", "be kind"], ["user", "text", "hi"], ["assistant", "text", "hello"], ["assistant", "call", "f {}"],
    ]);
    const at = { time_unix_nano: "0", offset_ns: 0 };
    const events = [{ ...at, name: "gen_ai.user.message", attributes: { content: "hi" } }, { ...at, name: "gen_ai.choice", attributes: { "gen_ai.event.content": '{"message":{"content":"hello"},"finish_reason":"stop"}' } }, { ...at, name: "other", attributes: {} }];
    expect(readGenAi(spanOf({ events }))?.messages).toEqual([
      { role: "user", parts: [{ kind: "text", name: null, id: null, text: "hi" }], finish: null },
      { role: "assistant", parts: [{ kind: "text", name: null, id: null, text: "hello" }], finish: "stop" },
    ]);
  });

  it("takes what cannot be read for text", () => {
    expect(told({ "gen_ai.input.messages": "[not json" })).toEqual([["user", "text", "[not json"]]);
    expect(told({ "gen_ai.input.messages": [1, null, [], { role: 5 }, { parts: { type: "blob", content: "x" } }] })).toEqual([["user", "text", "1"], ["user", "other", "blob x"]]);
  });

  it("has a tool with its arguments and result", () => {
    expect(readGenAi(chat({ "gen_ai.tool.name": "get", "gen_ai.tool.call.arguments": { a: 1 }, "gen_ai.tool.call.result": "x" }))?.tool).toMatchObject({ name: "get", given: '{"a":1}', result: "x" });
    expect(readGenAi(chat({ "gen_ai.tool.definitions": '[{"type":"function","function":{"name":"f"}}]' }))?.tools.map(({ name }) => name)).toEqual(["f"]);
  });
});

describe("the tokens of a trace", () => {
  it("leave out what an agent says of the calls below it", () => {
    const used = (input: number, output: number, model: string, more = {}): ReturnType<typeof spanOf> => chat({ "gen_ai.usage.input_tokens": input, "gen_ai.usage.output_tokens": output, "gen_ai.request.model": model, "gen_ai.usage.cost": 1 }, more);
    const spans = [used(30, 6, "agent", { descendant_count: 2, child_count: 2 }), used(10, 2, "b"), used(20, 4, "a"), used(1, 1, "a"), spanOf({})];
    expect(traceTokens(spans)).toMatchObject({ input: 31, output: 7, calls: 3, models: ["a", "b"], cost: 3, currency: null });
    expect(traceTokens(spans)?.byModel).toEqual([{ model: "a", calls: 2, input: 21, output: 5, cost: 2 }, { model: "b", calls: 1, input: 10, output: 2, cost: 1 }]);
    expect(traceTokens([spanOf({})])).toBeNull();
    expect(tokensTaken(spans.slice(1, 4))).toMatchObject({ input: 31, output: 7, cost: 3, currency: null });
    expect(tokensTaken([spanOf({}), ...spans])).toBeNull();
  });
});
