import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";

export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP on another host has no clipboard API.
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

interface Props {
  text: string | (() => string);
  title: string;
  label?: string;
  icon?: IconName;
  class?: string;
}

export function CopyButton({ text, title, label, icon = "copy", class: className }: Props): JSX.Element {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1400);
    return () => clearTimeout(timer);
  }, [done]);
  const copy = (): void => {
    void copyText(typeof text === "function" ? text() : text).then(() => setDone(true), () => setDone(false));
  };
  return (
    <button type="button" class={className ?? "icon-button"} title={done ? "Copied" : title} aria-label={title} onClick={copy}>
      <Icon name={done ? "check" : icon} />
      {label && <span>{done ? "Copied" : label}</span>}
    </button>
  );
}
