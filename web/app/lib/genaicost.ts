import type { Json, TimelineSpan } from "../api/types";

/** A cost as a span says it. Nothing is worked out from tokens and prices here. */
export interface GenAiCost {
  /** Of the attribute. */
  name: string;
  value: number;
  of: "all" | "input" | "output";
  /** `USD` and the like, where the span says that too. */
  currency: string | null;
}

/** `gen_ai.usage.cost`, `gen_ai.cost.input`, `llm.usage.total_cost`, `operation.cost`: no convention has settled on one. */
const isCost = (name: string): boolean => name === "operation.cost" || (/^(gen_ai|llm)\./.test(name) && /(^|[._])cost([._](?!currency)|$)/.test(name));

const partOf = (name: string): GenAiCost["of"] => (/input|prompt/.test(name) ? "input" : /output|completion/.test(name) ? "output" : "all");

const numberOf = (value: Json | undefined): number | null => (typeof value === "number" ? value : typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : null);

export function costsOf({ attributes }: Pick<TimelineSpan, "attributes">): GenAiCost[] {
  const said = Object.entries(attributes).find(([name, value]) => /^(gen_ai|llm)\..*cost[._]currency$/.test(name) && typeof value === "string")?.[1];
  return Object.entries(attributes).flatMap(([name, given]) => {
    const value = isCost(name) ? numberOf(given) : null;
    const inName = /[._](usd|eur|gbp)$/i.exec(name)?.[1];
    return value === null ? [] : [{ name, value, of: partOf(name), currency: (inName ?? (typeof said === "string" ? said : null))?.toUpperCase() ?? null }];
  });
}

/** What a call cost: the sum that the span gives, or its parts added up; null if it says nothing. */
export function wholeCost(costs: readonly GenAiCost[]): number | null {
  const whole = costs.find((cost) => cost.of === "all");
  if (whole) return whole.value;
  return costs.length === 0 ? null : costs.reduce((sum, cost) => sum + cost.value, 0);
}

/** Without the noise that adding leaves behind. */
export const costText = (value: number, currency: string | null): string => `${Number(value.toPrecision(6))}${currency ? ` ${currency}` : ""}`;

const LABELS = { all: "Cost", input: "Cost in", output: "Cost out" };
export const costLabel = (cost: GenAiCost): string => LABELS[cost.of];
