import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon, type IconName } from "./icons";
import { say } from "./toast";

export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain HTTP on another host has no clipboard API. What is outside of an open dialog cannot be selected.
  const area = document.createElement("textarea");
  area.value = text;
  const focused = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  if (!isCopied) throw new Error("the browser does not let this page copy");
}

/** The same, and says how it went. */
export function copyAndSay(text: string, said: string): void {
  copyText(text).then(() => say(said), () => say(NOT_COPIED));
}

const NOT_COPIED = "Not copied: the browser does not let this page do so";

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
    void copyText(typeof text === "function" ? text() : text).then(() => setDone(true), () => say(NOT_COPIED));
  };
  return (
    <button type="button" class={className ?? "icon-button"} title={done ? "Copied" : title} aria-label={title} onClick={copy}>
      <Icon name={done ? "check" : icon} />
      {label && <span>{done ? "Copied" : label}</span>}
    </button>
  );
}
