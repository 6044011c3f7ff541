/** What a view knows of an editor: text in, text out. CodeMirror itself is loaded after the first paint. */
export interface Editor {
  setText: (text: string) => void;
  /** Where the text went wrong, in UTF-16 units; `null` when nowhere in particular. */
  setError: (at: number | null, invalid: boolean) => void;
  focus: (start?: number, end?: number) => void;
  completing: () => boolean;
  /** Puts text where the caret is. */
  insert: (text: string) => void;
  destroy: () => void;
}

export interface EditorOptions {
  text: string;
  label: string;
  placeholder: string;
  onChange: (text: string) => void;
  onEnter: (text: string) => void;
}

/** Tables and their columns, for completion in SQL. */
export type Schema = Record<string, string[]>;

export interface SqlEditor extends Editor {
  /** What completion offers, once it is known. */
  setSchema: (schema: Schema) => void;
}
