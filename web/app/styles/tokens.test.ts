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

type Triple = readonly [number, number, number];

/** The light of `#rrggbb`, each part from 0 to 1. */
const lightOf = (hex: string): Triple =>
  [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;

const times = (matrix: readonly Triple[], [x, y, z]: Triple): Triple => matrix.map(([a, b, c]) => a * x + b * y + c * z) as unknown as Triple;

/** Relative luminance of `#rrggbb`, as WCAG 2.2 defines it. */
const luminance = (hex: string): number => times([[0.2126, 0.7152, 0.0722]], lightOf(hex))[0];

/** What those see who lack one kind of cone: Machado, Oliveira and Fernandes 2009, severity 1. */
const VISIONS: Record<string, readonly Triple[]> = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

const TO_CONES: readonly Triple[] = [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]];
const TO_LAB: readonly Triple[] = [[0.2104542553, 0.793617785, -0.0040720468], [1.9779984951, -2.428592205, 0.4505937099], [0.0259040371, 0.7827717662, -0.808675766]];

/** A colour in OKLab as a vision has it, where distances are about as large as they look. */
function seen(hex: string, vision: readonly Triple[]): Triple {
  const light = times(vision, lightOf(hex)).map((part) => Math.min(1, Math.max(0, part))) as unknown as Triple;
  return times(TO_LAB, times(TO_CONES, light).map(Math.cbrt) as unknown as Triple);
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

/** In hundredths of OKLab: at 2 most can tell two colours that touch; bars of one trace do not always touch. */
const LEAST_OF_FIRST = 7;
const LEAST = 3.5;
const FIRST = 8;

for (const [theme, tokens] of Object.entries(THEMES)) {
  for (const [vision, matrix] of Object.entries(VISIONS)) {
    test(`services are told apart by colour, the first eight clearly: ${theme}, ${vision}`, () => {
      const colours = SERVICES.map((name) => seen(tokens.get(name) ?? "", matrix));
      const near = colours.flatMap((one, at) =>
        colours.slice(0, at).flatMap((other, before) => {
          const distance = 100 * Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
          const least = at < FIRST ? LEAST_OF_FIRST : LEAST;
          return distance < least ? [`${before} and ${at}: ${distance.toFixed(1)}`] : [];
        }),
      );
      expect(near).toEqual([]);
    });
  }
}

test("the dark theme is the same, chosen or of the system", () => {
  expect(Object.fromEntries(block(':root:not([data-theme="light"])'))).toEqual(Object.fromEntries(THEMES["dark"] ?? []));
});
