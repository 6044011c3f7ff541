/** Parts of a pattern's template: what is the same everywhere, and what stands for something that differs. */
export interface TemplatePart {
  text: string;
  placeholder: boolean;
}

export function templateParts(template: string): TemplatePart[] {
  return template
    .split(/(<(?:num|id|ip|time|url|path|list|\*)>)/)
    .filter((text) => text !== "")
    .map((text) => ({ text, placeholder: /^<.+>$/.test(text) }));
}

/** The query with a group's own put behind it; an OR in either keeps to itself. */
export function narrowed(query: string, more: string, exclude: boolean): string {
  const wrap = (text: string): string => (/\bOR\b/.test(text) ? `(${text})` : text);
  // One phrase needs no parentheses, and its chip is easier to read without.
  const whole = exclude ? (/^"(?:[^"\\]|\\.)*"$/.test(more) ? `-${more}` : `-(${more})`) : wrap(more);
  return [query.trim() === "" ? "" : wrap(query.trim()), whole].filter(Boolean).join(" ");
}
