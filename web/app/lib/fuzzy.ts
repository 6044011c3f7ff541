/**
 * How well `text` answers to `needle`: all its letters in order, better when they stand together and at
 * the beginning of words. `null` when it does not. Case does not matter.
 */
export function fuzzyScore(needle: string, text: string): number | null {
  const wanted = needle.trim().toLowerCase();
  const line = text.toLowerCase();
  if (wanted === "") return 0;
  const whole = line.indexOf(wanted);
  if (whole >= 0) return 1000 - whole + (startsWord(line, whole) ? 500 : 0) - line.length / 100;
  let score = 0;
  let at = -1;
  for (const letter of wanted) {
    if (letter === " ") continue;
    const next = line.indexOf(letter, at + 1);
    if (next === -1) return null;
    score += next === at + 1 ? 8 : startsWord(line, next) ? 6 : -Math.min(5, next - at);
    at = next;
  }
  return score - line.length / 100;
}

const startsWord = (line: string, at: number): boolean => at === 0 || /[^\p{L}\p{N}]/u.test(line[at - 1] ?? "");

/** The entries that answer, best first; entries of equal worth stay in order. */
export function fuzzySort<T>(needle: string, entries: readonly T[], textOf: (entry: T) => string): T[] {
  return entries
    .map((entry) => ({ entry, score: fuzzyScore(needle, textOf(entry)) }))
    .filter((item): item is { entry: T; score: number } => item.score !== null)
    .sort((a, b) => b.score - a.score)
    .map((item) => item.entry);
}
