import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/**
 * How editors look: the tokens of tokens.css, which reach into the shadow root as custom properties. The
 * editor lives in one because CodeMirror puts its styles into a `<style>` element of a document, which the
 * content security policy forbids, but into `adoptedStyleSheets` of a shadow root, which it does not.
 */
export const look: Extension = EditorView.theme({
  "&": { color: "var(--text)", backgroundColor: "transparent", fontSize: "var(--editor-size, var(--text-m))" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px" },
  ".cm-content": { caretColor: "var(--text)", padding: "var(--editor-pad, 5px) 0" },
  ".cm-line": { padding: "0" },
  // One line, whatever room there is.
  ".cm-placeholder": { maxWidth: "100%", overflow: "hidden", color: "var(--text-3)", fontFamily: "var(--sans)", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { background: "var(--accent-soft)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--text-3)", border: "0", paddingRight: "8px", fontSize: "var(--text-xs)" },
  ".cm-activeLineGutter, .cm-activeLine": { backgroundColor: "transparent" },
  ".token-field, .token-operator": { color: "var(--syntax-field)" },
  ".token-value, .token-phrase": { color: "var(--syntax-value)" },
  ".token-keyword, .token-minus, .token-paren": { color: "var(--syntax-keyword)" },
  ".token-wrong": { textDecoration: "underline wavy var(--error)", textUnderlineOffset: "4px", textDecorationSkipInk: "none" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
  ".cm-tooltip": {
    zIndex: "var(--z-pop)",
    border: "1px solid var(--line)",
    borderRadius: "var(--radius-large)",
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
    marginTop: "4px",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "var(--text-s)", padding: "var(--space-2)", minWidth: "300px", maxWidth: "min(560px, 90vw)", maxHeight: "300px" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { display: "flex", justifyContent: "space-between", gap: "24px", padding: "3px var(--space-3)", borderRadius: "var(--radius)" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { background: "var(--select)", color: "var(--text)" },
  ".cm-completionLabel": { overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" },
  ".cm-completionMatchedText": { textDecoration: "none", color: "var(--accent)" },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal", whiteSpace: "nowrap", marginLeft: "0" },
});
