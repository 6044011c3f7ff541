import type { Extension } from "@codemirror/state";
import { EditorView } from "@codemirror/view";

/**
 * Text typed over a selection is put there by CodeMirror and not by the browser: Chromium would give what comes in
 * the place of coloured text that text's colour, in a `style` attribute, which the content security policy forbids
 * and the console then tells. What an input method composes stays the browser's.
 */
export const plainTyping: Extension = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    if (event.inputType !== "insertText" || event.data === null || event.isComposing || view.composing || view.state.readOnly || view.state.selection.main.empty) return false;
    event.preventDefault();
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});
