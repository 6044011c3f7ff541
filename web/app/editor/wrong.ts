import { StateEffect, StateField, type EditorState, type Extension } from "@codemirror/state";
import { Decoration, EditorView, type DecorationSet } from "@codemirror/view";

/** Says where the server stopped understanding; null when there is nothing wrong. */
export const setWrong = StateEffect.define<number | null>();

/** Underlines what is wrong: the range that `rangeAt` finds at a place of a text that is not empty. */
export function wrongPlace(rangeAt: (state: EditorState, at: number) => [from: number, to: number]): Extension {
  const underline = (state: EditorState, at: number | null): DecorationSet => {
    if (at === null || state.doc.length === 0) return Decoration.none;
    const [from, to] = rangeAt(state, at);
    return Decoration.set(Decoration.mark({ class: "token-wrong" }).range(from, to));
  };
  return StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(decorations, transaction) {
      for (const effect of transaction.effects) if (effect.is(setWrong)) return underline(transaction.state, effect.value);
      // What is typed since then has not been judged.
      return transaction.docChanged ? Decoration.none : decorations;
    },
    provide: (field) => EditorView.decorations.from(field),
  });
}
