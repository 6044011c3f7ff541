import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { SqlAnswer } from "../api/types";
import { keepChoice, keptChoice } from "../lib/prefs";
import { choiceOf, readPlaces, RESULT_COLUMNS_KEY, withChoice, writePlaces } from "../lib/resultcolumns";
import { setParams, usePlace } from "../lib/router";
import { ColumnsButton, ColumnsPanel, type ColumnOffer } from "../ui/columns";

/** Which columns of the answer are shown, in which order. */
export interface ResultColumns {
  places: number[];
  setPlaces: (places: number[]) => void;
}

/** The choice stands in the address, and is what columns of the same names begin with next time. */
export function useResultColumns(answer: SqlAnswer | null): ResultColumns {
  const text = usePlace().params.get("cols");
  const names = useMemo(() => (answer?.columns ?? []).map((column) => column.name), [answer]);
  const kept = choiceOf(keptChoice(RESULT_COLUMNS_KEY), names);
  const places = useMemo(() => readPlaces(text, kept, names.length), [text, kept, names]);
  return {
    places,
    setPlaces: (next) => {
      keepChoice(RESULT_COLUMNS_KEY, withChoice(keptChoice(RESULT_COLUMNS_KEY), names, next));
      setParams({ cols: writePlaces(next, names.length) || null }, "replace");
    },
  };
}

export function ResultColumnsMenu({ answer, columns: { places, setPlaces } }: { answer: SqlAnswer; columns: ResultColumns }): JSX.Element {
  const offers = answer.columns.map((column, at): ColumnOffer => ({ id: String(at), name: column.name, note: column.type }));
  const isAll = writePlaces(places, offers.length) === "";
  return (
    <ColumnsButton>
      {() => (
        <ColumnsPanel
          list="sql"
          columns={places.flatMap((place) => offers[place] ?? [])}
          offers={offers}
          back={isAll ? null : { label: "All, as they came", columns: offers.map((offer) => offer.id) }}
          pinLabel={(name) => `Keep ${name} at the left`}
          least={1}
          onColumns={(ids) => setPlaces(ids.map(Number))}
        />
      )}
    </ColumnsButton>
  );
}
