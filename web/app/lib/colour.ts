/** Twelve hues in two tones. A name always stands beside its colour, so two services may share one. */
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
