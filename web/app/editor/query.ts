import { acceptCompletion, autocompletion, closeCompletion, completionKeymap, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { Compartment, EditorState, RangeSetBuilder, Transaction, type Extension } from "@codemirror/state";
import { Decoration, drawSelection, EditorView, keymap, placeholder, ViewPlugin, type DecorationSet, type ViewUpdate } from "@codemirror/view";
import { tokenise } from "../lib/query";
import { queryCompletion } from "./complete";
import { look } from "./look";
import { plainTyping } from "./plain";
import type { Editor, EditorOptions } from "./types";
import { setWrong, wrongPlace } from "./wrong";

/** The query's tokens in their colours; the server parses for real. */
const coloured = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;
    constructor(view: EditorView) {
      this.decorations = colour(view.state);
    }
    update(update: ViewUpdate): void {
      if (update.docChanged) this.decorations = colour(update.state);
    }
  },
  { decorations: (plugin) => plugin.decorations },
);

function colour(state: EditorState): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const token of tokenise(state.doc.toString())) {
    if (token.kind !== "space" && token.kind !== "word") builder.add(token.start, token.start + token.text.length, Decoration.mark({ class: `token-${token.kind}` }));
  }
  return builder.finish();
}

/** The token where the server stopped understanding, or the end of the text. */
const wrong = wrongPlace((state, at) => {
  const { length } = state.doc;
  const token = tokenise(state.doc.toString()).find((each) => at >= each.start && at < each.start + each.text.length && each.kind !== "space");
  return [token?.start ?? Math.max(0, length - 1), token ? token.start + token.text.length : length];
});

/** A query is one line: line breaks of pasted text become spaces. */
const oneLine = EditorState.transactionFilter.of((transaction) => {
  if (!transaction.docChanged || transaction.newDoc.lines === 1) return transaction;
  const text = transaction.newDoc.toString().replace(/\s*\n\s*/g, " ");
  return [{ changes: { from: 0, to: transaction.startState.doc.length, insert: text }, selection: { anchor: Math.min(text.length, transaction.newSelection.main.head) }, annotations: Transaction.userEvent.of("input.paste") }];
});

const attributes = (label: string, invalid: boolean): Extension =>
  EditorView.contentAttributes.of({ "aria-label": label, "aria-invalid": String(invalid), autocapitalize: "off", autocorrect: "off", spellcheck: "false", enterkeyhint: "search" });

export function createQueryEditor(root: ShadowRoot, options: EditorOptions & { table: "logs" | "spans" }): Editor {
  const named = new Compartment();
  /** While the page sets the text: it knows of it. */
  let silent = false;
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      selection: { anchor: options.text.length },
      extensions: [
        keymap.of([
          { key: "Enter", run: (editor) => acceptCompletion(editor) || (options.onEnter(editor.state.doc.toString()), true) },
          { key: "Mod-Enter", run: (editor) => (options.onEnter(editor.state.doc.toString()), true) },
          { key: "Tab", run: acceptCompletion },
          { key: "Escape", run: (editor) => closeCompletion(editor) || (editor.contentDOM.blur(), true) },
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap,
        ]),
        history(),
        drawSelection(),
        oneLine,
        coloured,
        wrong,
        // Enter runs the query: nothing is chosen until an arrow key chooses it.
        autocompletion({ override: [queryCompletion(options.table)], selectOnOpen: false, icons: false, activateOnTyping: true, interactionDelay: 0 }),
        placeholder(options.placeholder),
        EditorView.lineWrapping,
        named.of(attributes(options.label, false)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !silent) options.onChange(update.state.doc.toString());
        }),
        plainTyping,
        look,
      ],
    }),
  });
  return {
    setText: (text) => {
      if (text === view.state.doc.toString()) return;
      silent = true;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } });
      silent = false;
    },
    setError: (at, invalid) => view.dispatch({ effects: [setWrong.of(at), named.reconfigure(attributes(options.label, invalid))] }),
    focus: (start, end) => {
      view.focus();
      if (start !== undefined) view.dispatch({ selection: { anchor: start, head: end ?? start } });
    },
    insert: (text) => view.dispatch(view.state.replaceSelection(text)),
    completing: () => completionStatus(view.state) !== null,
    destroy: () => view.destroy(),
  };
}
