import { expect, test } from "vitest";
import { SLOTS } from "../lib/colour";
import css from "./tokens.css?raw";

// What can be read and what can be told apart follows from the tokens alone: no view need be drawn for it.

type Tokens = Map<string, string>;

/** The declarations of the block after `head`. */
function block(head: string): Tokens {
  const from = css.indexOf("{", css.indexOf(head)) + 1;
  return new Map([...css.slice(from, css.indexOf("}", from)).matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = "", value = ""]) => [name, value]));
}

const THEMES: Record<string, Tokens> = {
  light: block(':root[data-theme="light"]'),
  dark: block(':root[data-theme="dark"]'),
};

/** Relative luminance of `#rrggbb`, as WCAG 2.2 defines it. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(tokens: Tokens, name: string, under: string): number {
  const [one, other] = [name, under].map((token) => {
    const value = tokens.get(token) ?? "";
    expect(value, token).toMatch(/^#[0-9a-f]{6}$/);
    return luminance(value);
  });
  const [light, dark] = [Math.max(one ?? 0, other ?? 0), Math.min(one ?? 0, other ?? 0)];
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["--bg", "--surface", "--sunken", "--hover", "--select"];
const TEXTS = ["--text", "--text-2", "--text-3", "--accent", "--error-text", "--warn-text", "--ok-text", "--syntax-field", "--syntax-value", "--syntax-keyword"];
/** Text that stands on a ground of its own. */
const PAIRS: [string, string][] = [
  ["--on-accent", "--accent"],
  ["--mark-text", "--mark"],
  ["--error-text", "--error-soft"],
  ["--warn-text", "--warn-soft"],
  ["--accent", "--accent-soft"],
  ["--text", "--accent-soft"],
];
const SERVICES = Array.from({ length: SLOTS }, (_, slot) => `--service-${slot}`);

const tooWeak = (tokens: Tokens, pairs: [string, string][], least: number): string[] =>
  pairs.flatMap(([name, under]) => {
    const found = contrast(tokens, name, under);
    return found < least ? [`${name} on ${under}: ${found.toFixed(2)}`] : [];
  });

for (const [theme, tokens] of Object.entries(THEMES)) {
  test(`text can be read on every ground: ${theme}`, () => {
    expect(tooWeak(tokens, [...TEXTS.flatMap((text) => GROUNDS.map((ground): [string, string] => [text, ground])), ...PAIRS], 4.5)).toEqual([]);
  });

  test(`bars, lines and signs stand out from what is behind them: ${theme}`, () => {
    // Levels below info are to step back; a chart's tip and table say them.
    const signs = [...SERVICES, "--accent", "--error", "--warn", "--ok", "--level-info"];
    expect(tooWeak(tokens, signs.flatMap((sign) => ["--surface", "--bg"].map((ground): [string, string] => [sign, ground])), 3)).toEqual([]);
  });
}

test("the dark theme is the same, chosen or of the system", () => {
  expect(Object.fromEntries(block(':root:not([data-theme="light"])'))).toEqual(Object.fromEntries(THEMES["dark"] ?? []));
});
