import { acceptCompletion, autocompletion, completeFromList, completionKeymap, completionStatus, type Completion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { look } from "./look";
import { plainTyping } from "./plain";
import type { EditorOptions, Schema, SqlEditor } from "./types";
import { setWrong, wrongPlace } from "./wrong";

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--syntax-keyword)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--syntax-value)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--syntax-field)" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--text-3)" },
]);

/** A name, in quotes or not, and with its table; a text; a sign. */
const WORD = /^(?:(?:"[^"]*"|[\p{L}\p{N}_])+(?:\.(?:"[^"]*"|[\p{L}\p{N}_])+)*|'[^']*'?|\S)/u;

/** From the place where the server stopped understanding to the end of that word. */
const wrong = wrongPlace((state, at) => {
  const { length } = state.doc;
  const from = Math.min(at, length - 1);
  const word = WORD.exec(state.sliceDoc(from))?.[0].length ?? 1;
  return [from, Math.min(length, from + word)];
});

const attributes = (label: string, invalid: boolean): Extension => EditorView.contentAttributes.of({ "aria-label": label, "aria-invalid": String(invalid), spellcheck: "false", autocapitalize: "off" });

/** Functions that are asked for most, and those that no other database has: how they are called and what they say. */
const FUNCTIONS: [string, string][] = [
  ["search('service:checkout error')", "what the search bar finds"],
  ["matches(body, 'timeout')", "full text, by the index"],
  ["attr('http.route')", "an attribute, wherever it is"],
  ["links_to(links, '')", "spans that link to a trace"],
  ["time_bucket('5m', time)", "the beginning of a time's bucket"],
  ["date_trunc('minute', time)", "a time without what is finer"],
  ["approx_percentile(duration_ns, 0.95)", "a percentile"],
  ["count(*)", "rows"],
  ["approx_distinct(service_name)", "about how many values"],
  ["sum(duration_ns)", ""],
  ["avg(duration_ns)", ""],
  ["min(duration_ns)", ""],
  ["max(duration_ns)", ""],
  ["coalesce(name, '')", "the first that is there"],
  ["regexp_like(body, '')", "a regular expression matches"],
];
const functions = completeFromList(FUNCTIONS.map(([call, detail]): Completion => ({ label: call.slice(0, call.indexOf("(")), displayLabel: `${call.slice(0, call.indexOf("("))}(…)`, detail, apply: call, type: "function", boost: 10 })));

const language = (schema: Schema): Extension => [sql({ dialect: PostgreSQL, schema, upperCaseKeywords: true }), PostgreSQL.language.data.of({ autocomplete: functions })];

export function createSqlEditor(root: ShadowRoot, options: EditorOptions): SqlEditor {
  const named = new Compartment();
  const known = new Compartment();
  /** While the page sets the text: it knows of it. */
  let silent = false;
  const run = (editor: EditorView): boolean => {
    options.onEnter(editor.state.doc.toString());
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        keymap.of([
          { key: "Mod-Enter", run },
          // Who presses it with the list in sight wants what it offers, never spaces before the line: while the list is being renewed the key does nothing.
          { key: "Tab", run: (editor) => acceptCompletion(editor) || completionStatus(editor.state) !== null },
          ...completionKeymap,
          ...historyKeymap,
          ...defaultKeymap,
          indentWithTab,
        ]),
        history(),
        drawSelection(),
        lineNumbers(),
        bracketMatching(),
        EditorView.lineWrapping,
        known.of(language({})),
        syntaxHighlighting(colours),
        autocompletion({ icons: false, interactionDelay: 0 }),
        placeholder(options.placeholder),
        wrong,
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
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
      silent = false;
    },
    setSchema: (schema) => view.dispatch({ effects: known.reconfigure(language(schema)) }),
    setError: (at, invalid) => view.dispatch({ effects: [setWrong.of(at), named.reconfigure(attributes(options.label, invalid))] }),
    focus: (start, end) => {
      view.focus();
      if (start !== undefined) view.dispatch({ selection: { anchor: start, head: end ?? start } });
    },
    completing: () => completionStatus(view.state) !== null,
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    destroy: () => view.destroy(),
  };
}
