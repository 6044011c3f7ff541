import type { ComponentChildren, JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

interface Props {
  button: ComponentChildren;
  title: string;
  /** Only for buttons without text: text is its own name. */
  label?: string;
  buttonClass: string;
  align?: "start" | "end";
  children: (close: () => void) => ComponentChildren;
}

/** What stays free at the sides of the screen. */
const EDGE = 8;

/** A button with a panel under it that closes on Escape, on a click outside and when focus leaves. */
export function Popover({ button, title, label, buttonClass, align = "end", children }: Props): JSX.Element {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  // Beside a button at the edge of the screen it would leave it.
  useLayoutEffect(() => {
    const box = panel.current?.getBoundingClientRect();
    if (!panel.current || !box) return;
    const screen = document.documentElement.clientWidth;
    const over = box.right > screen - EDGE ? screen - EDGE - box.right : 0;
    const by = Math.max(over, EDGE - box.left);
    if (over < 0 || box.left < EDGE) panel.current.style.translate = `${by}px 0`;
  }, [open]);
  // At the foot of what scrolls it would be cut off.
  useEffect(() => panel.current?.scrollIntoView({ block: "nearest" }), [open]);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event): void => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    const escape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      setOpen(false);
      root.current?.querySelector("button")?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escape, true);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escape, true);
    };
  }, [open]);
  return (
    <div class="popover-root" ref={root}>
      <button type="button" class={buttonClass} title={title} aria-label={label} aria-expanded={open} onClick={() => setOpen(!open)}>
        {button}
      </button>
      {open && <div ref={panel} class={`popover popover-${align}`}>{children(() => setOpen(false))}</div>}
    </div>
  );
}
