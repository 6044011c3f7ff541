import type { JSX, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Editor, EditorOptions } from "./types";

interface Props extends EditorOptions {
  id: string;
  class: string;
  invalid: boolean;
  errorAt: number | null;
  /** Enter makes a new line, and the plain field has several. */
  multiline?: boolean;
  /** Told of the editor when there is one, for what cannot be said by `text`. */
  onReady?: (editor: Editor) => void;
  /** Loads CodeMirror's chunk and makes the editor in the shadow root. */
  create: (root: ShadowRoot, options: EditorOptions) => Promise<Editor>;
}

/**
 * A plain field at once, and the editor in its place when its code has come: the page can be typed into
 * from the first paint on, and what was typed stays. Without the code the plain field keeps working.
 */
export function EditorHost(props: Props): JSX.Element {
  const { text, onChange, onEnter } = props;
  const host = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLInputElement | HTMLTextAreaElement>(null);
  const editor = useRef<Editor | null>(null);
  /** Texts that the editor told of and that have not come back yet. */
  const typed = useRef<string[]>([]);
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
        typed.current.push(next);
        latest.current.onChange(next);
      },
      onEnter: (next) => latest.current.onEnter(next),
    };
    latest.current.create(root, options).then(
      (made) => {
        if (gone) return made.destroy();
        editor.current = made;
        made.setText(latest.current.text);
        made.setError(latest.current.errorAt, latest.current.invalid);
        const field = plain.current;
        const typing = field !== null && document.activeElement === field;
        const caret = [field?.selectionStart ?? undefined, field?.selectionEnd ?? undefined] as const;
        setReady(true);
        latest.current.onReady?.(made);
        if (typing) requestAnimationFrame(() => made.focus(...caret));
      },
      (cause: unknown) => console.warn("the editor could not be loaded, a plain field is used", cause),
    );
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, []);
  useEffect(() => {
    // What was typed comes back as `text` a moment later, when more may have been typed: that is not to be undone.
    const echo = typed.current.lastIndexOf(text);
    if (echo >= 0) typed.current.splice(0, echo + 1);
    else {
      typed.current = [];
      editor.current?.setText(text);
    }
  }, [text]);
  useEffect(() => editor.current?.setError(props.errorAt, props.invalid), [props.errorAt, props.invalid]);

  return (
    <div class={props.class}>
      {!ready && <Plain id={props.id} field={plain} text={text} placeholder={props.placeholder} label={props.label} invalid={props.invalid} multiline={props.multiline ?? false} onChange={onChange} onEnter={onEnter} />}
      <div id={ready ? props.id : undefined} class="editor-host" ref={host} hidden={!ready} />
    </div>
  );
}

interface PlainProps extends Pick<Props, "id" | "text" | "placeholder" | "label" | "invalid" | "onChange" | "onEnter"> {
  multiline: boolean;
  field: RefObject<HTMLInputElement | HTMLTextAreaElement | null>;
}

function Plain({ id, field, text, placeholder, label, invalid, multiline, onChange, onEnter }: PlainProps): JSX.Element {
  const common = { id, placeholder, value: text, "aria-label": label, "aria-invalid": invalid, autocomplete: "off", autocapitalize: "off", spellcheck: false } as const;
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
