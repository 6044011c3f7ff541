import type { JSX, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Editor, EditorOptions } from "./types";

interface Props<E extends Editor> extends EditorOptions {
  id: string;
  class: string;
  invalid: boolean;
  errorAt: number | null;
  /** Enter makes a new line, and the plain field has several. */
  multiline?: boolean;
  /** Told of the editor when there is one, for what cannot be said by `text`. */
  onReady?: (editor: E) => void;
  /** Loads CodeMirror's chunk and makes the editor in the shadow root. */
  create: (root: ShadowRoot, options: EditorOptions) => Promise<E>;
}

/**
 * A plain field at once, and the editor in its place when its code has come: the page can be typed into
 * from the first paint on, and what was typed stays. Without the code the plain field keeps working.
 */
export function EditorHost<E extends Editor>(props: Props<E>): JSX.Element {
  const { text, onChange, onEnter } = props;
  const host = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLInputElement | HTMLTextAreaElement>(null);
  const editor = useRef<E | null>(null);
  /** The text that the editor has, told or set. */
  const held = useRef(text);
  /** An input method has begun something in the plain field. */
  const composing = useRef(false);
  /** Puts an editor that has come meanwhile in its place. */
  const waiting = useRef<(() => void) | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [ready, setReady] = useState(false);

  useEffect(() => {
    const element = host.current;
    if (!element) return;
    let gone = false;
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const options: EditorOptions = {
      ...latest.current,
      onChange: (next) => {
        held.current = next;
        latest.current.onChange(next);
      },
      onEnter: (next) => latest.current.onEnter(next),
    };
    /** All at once: no key falls between the plain field and the editor. */
    const replace = (made: E): void => {
      if (gone) return made.destroy();
      editor.current = made;
      const field = plain.current;
      held.current = field?.value ?? latest.current.text;
      made.setText(held.current);
      made.setError(latest.current.errorAt, latest.current.invalid);
      element.hidden = false;
      if (field !== null && document.activeElement === field) made.focus(field.selectionStart ?? undefined, field.selectionEnd ?? undefined);
      setReady(true);
      latest.current.onReady?.(made);
    };
    latest.current.create(root, options).then(
      (made) => {
        if (composing.current) waiting.current = () => replace(made);
        else replace(made);
      },
      (cause: unknown) => console.warn("the editor could not be loaded, a plain field is used", cause),
    );
    return () => {
      gone = true;
      waiting.current?.();
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  // With the page: a frame later more may have been typed, which is not to be undone.
  useLayoutEffect(() => {
    if (text === held.current) return;
    held.current = text;
    editor.current?.setText(text);
  }, [text]);
  useEffect(() => editor.current?.setError(props.errorAt, props.invalid), [props.errorAt, props.invalid]);
  const onComposing = (now: boolean): void => {
    composing.current = now;
    if (now) return;
    waiting.current?.();
    waiting.current = null;
  };

  return (
    <div class={props.class}>
      {!ready && <Plain id={props.id} field={plain} text={text} placeholder={props.placeholder} label={props.label} invalid={props.invalid} multiline={props.multiline ?? false} onChange={onChange} onEnter={onEnter} onComposing={onComposing} />}
      <div id={ready ? props.id : undefined} class="editor-host" ref={host} hidden={!ready} />
    </div>
  );
}

interface PlainProps extends Pick<Props<Editor>, "id" | "text" | "placeholder" | "label" | "invalid" | "onChange" | "onEnter"> {
  multiline: boolean;
  field: RefObject<HTMLInputElement | HTMLTextAreaElement | null>;
  onComposing: (composing: boolean) => void;
}

function Plain({ id, field, text, placeholder, label, invalid, multiline, onChange, onEnter, onComposing }: PlainProps): JSX.Element {
  const common = { id, placeholder, value: text, "aria-label": label, "aria-invalid": invalid, autocomplete: "off", autocapitalize: "off", spellcheck: false, onCompositionStart: () => onComposing(true), onCompositionEnd: () => onComposing(false) } as const;
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLInputElement | HTMLTextAreaElement }): void => {
    if (event.key === "Enter" && (!multiline || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onEnter(event.currentTarget.value);
    }
    if (event.key === "Escape") event.currentTarget.blur();
  };
  if (multiline) return <textarea ref={field as RefObject<HTMLTextAreaElement>} class="query-input sql-plain" {...common} onInput={(event) => onChange(event.currentTarget.value)} onKeyDown={onKeyDown} />;
  return <input ref={field as RefObject<HTMLInputElement>} class="query-input" enterkeyhint="search" {...common} onInput={(event) => onChange(event.currentTarget.value)} onKeyDown={onKeyDown} />;
}
