/**
 * Colours that differ for those too who do not see red, green or blue, the first eight most of all; a test computes it.
 * A name always stands beside its colour, so two services may share one.
 */
export const SLOTS = 24;

/** FNV-1a over UTF-16 units: the same service has the same colour in every view, every session, every browser. */
export function serviceSlot(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i += 1) {
    hash ^= name.charCodeAt(i);
    hash = Math.imul(hash, 0x01000193);
  }
  // FNV's low bits are weak for names that differ in one letter.
  hash ^= hash >>> 15;
  return (hash >>> 0) % SLOTS;
}

/** The colour lives in tokens.css, one value for light and one for dark. */
export const serviceColour = (name: string): string => `var(--service-${serviceSlot(name)})`;

const LEVELS: Record<string, string> = { fatal: "var(--error)", error: "var(--error)", warn: "var(--warn)", info: "var(--level-info)", debug: "var(--level-debug)", trace: "var(--level-trace)", unset: "var(--level-unset)" };

/** The colour of one series of a chart that is stacked by `field`. What is summed or has no value is grey. */
export function seriesColour(field: string, name: string): string {
  if (field === "level") return LEVELS[name] ?? "var(--level-unset)";
  return name === "(other)" || name === "(none)" ? "var(--level-unset)" : serviceColour(name);
}

/** A colour for each series of one chart: that of its name, or where another has it already the first that is free. */
export function distinctColours(field: string, names: readonly string[]): string[] {
  if (field === "level") return names.map((name) => seriesColour(field, name));
  const taken = new Set<number>();
  return names.map((name) => {
    if (name === "(other)" || name === "(none)") return seriesColour(field, name);
    const own = serviceSlot(name);
    let slot = own;
    if (taken.has(own)) for (slot = 0; taken.has(slot) && slot < SLOTS; ) slot += 1;
    if (slot === SLOTS) slot = own;
    taken.add(slot);
    return `var(--service-${slot})`;
  });
}

const WORST_FIRST = ["fatal", "error", "warn", "unset", "info", "debug", "trace"];

/** Levels worst first, so that errors of different times stand on one line and compare; other series as they came. */
export function orderSeries<T extends { name: string }>(field: string, series: readonly T[]): T[] {
  if (field !== "level") return [...series];
  const rank = (name: string): number => (WORST_FIRST.includes(name) ? WORST_FIRST.indexOf(name) : WORST_FIRST.length);
  return [...series].sort((a, b) => rank(a.name) - rank(b.name));
}
