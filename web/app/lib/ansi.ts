/** Terminal colours in log bodies (SGR sequences), as pieces with the classes of styles/logs.css. */
export interface AnsiPiece {
  text: string;
  /** `ansi-1` … `ansi-7`, `ansi-bold`, `ansi-dim`, `ansi-underline`; empty for plain text. */
  classes: string;
}

const SEQUENCE = /\u001b\[([0-9;:]*)([A-Za-z])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;

export const hasAnsi = (text: string): boolean => text.includes("\u001b");

/** The text without its sequences, also those that move the cursor. */
export const stripAnsi = (text: string): string => (hasAnsi(text) ? text.replace(SEQUENCE, "") : text);

interface Style {
  colour: number | null;
  bold: boolean;
  dim: boolean;
  underline: boolean;
}

const PLAIN: Style = { colour: null, bold: false, dim: false, underline: false };

export function ansiPieces(text: string): AnsiPiece[] {
  if (!hasAnsi(text)) return [{ text, classes: "" }];
  const pieces: AnsiPiece[] = [];
  let style = PLAIN;
  let last = 0;
  const push = (end: number): void => {
    if (end > last) pieces.push({ text: text.slice(last, end), classes: classesOf(style) });
  };
  for (const match of text.matchAll(SEQUENCE)) {
    push(match.index);
    last = match.index + match[0].length;
    if (match[2] === "m") style = apply(style, (match[1] ?? "").split(/[;:]/).map((code) => (code === "" ? 0 : Number(code))));
  }
  push(text.length);
  return pieces;
}

function apply(before: Style, codes: number[]): Style {
  let style = before;
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0;
    if (code === 0) style = PLAIN;
    else if (code === 1) style = { ...style, bold: true };
    else if (code === 2) style = { ...style, dim: true };
    else if (code === 4) style = { ...style, underline: true };
    else if (code === 22) style = { ...style, bold: false, dim: false };
    else if (code === 24) style = { ...style, underline: false };
    else if (code >= 30 && code <= 37) style = { ...style, colour: code - 30 };
    else if (code >= 90 && code <= 97) style = { ...style, colour: code - 90 };
    else if (code === 39) style = { ...style, colour: null };
    else if (code === 38 || code === 48) {
      // `38;5;n` of 256 colours: the first 16 have names here, the others stay plain. `38;2;r;g;b` likewise.
      if (code === 38 && codes[at + 1] === 5) style = { ...style, colour: (codes[at + 2] ?? 16) < 16 ? (codes[at + 2] ?? 0) % 8 : null };
      at += codes[at + 1] === 2 ? 4 : 2;
    }
  }
  return style;
}

function classesOf(style: Style): string {
  const classes = [
    // Black and white are the page's own text colour: one of them would be invisible in each theme.
    style.colour !== null && style.colour !== 0 && style.colour !== 7 ? `ansi-${style.colour}` : "",
    style.bold ? "ansi-bold" : "",
    style.dim ? "ansi-dim" : "",
    style.underline ? "ansi-underline" : "",
  ];
  return classes.filter(Boolean).join(" ");
}
