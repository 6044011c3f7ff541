export interface LinkPiece {
  text: string;
  /** Where it leads, or null for text. */
  href: string | null;
}

/** Nothing else that somebody sent can be clicked: not `javascript:`, not `data:`, not `file:`. */
const SCHEMES = ["http:", "https:"];
const ADDRESS = /\bhttps?:\/\/[^\s"'<>`\\^{|}]+/gi;
/** A sentence goes on after an address. */
const AFTER = /[.,;:!?)\]]+$/;

/** A text with the addresses in it that may be clicked; joined, the pieces are the text again. */
export function linkPieces(text: string): LinkPiece[] {
  const pieces: LinkPiece[] = [];
  let last = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = match[0].replace(AFTER, "");
    if (!isAllowed(address)) continue;
    if (match.index > last) pieces.push({ text: text.slice(last, match.index), href: null });
    pieces.push({ text: address, href: address });
    last = match.index + address.length;
  }
  if (last < text.length || pieces.length === 0) pieces.push({ text: text.slice(last), href: null });
  return pieces;
}

function isAllowed(address: string): boolean {
  try {
    const url = new URL(address);
    // A name before the host makes an address look like another one.
    return SCHEMES.includes(url.protocol) && url.username === "" && url.password === "";
  } catch {
    return false;
  }
}
