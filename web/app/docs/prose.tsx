import type { ComponentChildren, JSX } from "preact";

/** What descriptions are written in: paragraphs, `code`, **weight** and [links](https://…); anything else is text. */
export function Prose({ text }: { text: string }): JSX.Element {
  const paragraphs = text.split(/\n{2,}/).filter((part) => part.trim() !== "");
  return (
    <>
      {paragraphs.map((paragraph, at) => (
        <p key={at}>{inline(paragraph.replace(/\n/g, " "))}</p>
      ))}
    </>
  );
}

const PARTS = /(`[^`]+`|\*\*[^*]+\*\*|\[[^\]]+\]\(https?:[^)\s]+\))/;

export const inline = (text: string): ComponentChildren =>
  text.split(PARTS).map((part, at) => {
    if (at % 2 === 0) return part;
    if (part.startsWith("`")) return <code key={at}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <b key={at}>{part.slice(2, -2)}</b>;
    const [, label = part, address = ""] = /^\[([^\]]+)\]\((.+)\)$/.exec(part) ?? [];
    return (
      <a key={at} class="link" href={address} target="_blank" rel="noreferrer">
        {label}
      </a>
    );
  });
