import { expect, test } from "vitest";
import { costLabel, costsOf, costText, wholeCost } from "./genaicost";

const costs = (attributes: Record<string, number | string>) => costsOf({ attributes });

test("a cost is what a span says, whatever it calls it, and nothing else", () => {
  expect(costs({ "gen_ai.usage.cost": 0.5 })).toEqual([{ name: "gen_ai.usage.cost", value: 0.5, of: "all", currency: null }]);
  expect(costs({ "gen_ai.usage.cost": "0.25", "gen_ai.usage.cost.currency": "eur" })).toEqual([{ name: "gen_ai.usage.cost", value: 0.25, of: "all", currency: "EUR" }]);
  expect(costs({ "llm.usage.total_cost": 3, "operation.cost": 4, "gen_ai.cost_usd": 5 }).map(({ value, currency }) => [value, currency])).toEqual([[3, null], [4, null], [5, "USD"]]);
  expect(costs({ "gen_ai.usage.input_tokens": 7, "gen_ai.usage.cost": "much", "shipping.cost": 9, "gen_ai.costume": 1 })).toEqual([]);
});

test("the whole is the sum that is given, or its parts", () => {
  const parts = { "gen_ai.cost.input": 1, "gen_ai.cost.output": 2 };
  expect(wholeCost(costs(parts))).toBe(3);
  expect(costs(parts).map(costLabel)).toEqual(["Cost in", "Cost out"]);
  expect(wholeCost(costs({ ...parts, "gen_ai.cost.total": 3.5 }))).toBe(3.5);
  expect(wholeCost([])).toBeNull();
  expect(costText(0.1 + 0.2, "USD")).toBe("0.3 USD");
  expect(costText(0.003, null)).toBe("0.003");
});
