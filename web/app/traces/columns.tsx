import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { keepChoice, keptChoice } from "../lib/prefs";
import { setParams, usePlace } from "../lib/router";
import { CELL_LABELS, CELLS_KEY, DEFAULT_CELLS, readCells, TRACE_CELLS, writeCells, type TraceCell } from "../lib/tracecells";
import { ColumnsButton, ColumnsPanel, type ColumnOffer } from "../ui/columns";

/** The choice stands in the address, and is what this browser begins with next time. */
export function setCells(cells: readonly string[]): void {
  keepChoice(CELLS_KEY, cells.join(","));
  setParams({ cols: writeCells(cells) }, "replace");
}

export function useCells(): TraceCell[] {
  const text = usePlace().params.get("cols");
  const kept = keptChoice(CELLS_KEY);
  return useMemo(() => readCells(text, kept), [text, kept]);
}

/** Widths and pins are kept under the name in the address, what is read is the label. */
const offerOf = (cell: TraceCell): ColumnOffer => ({ id: cell, name: cell, label: CELL_LABELS[cell] });

export function CellsMenu({ cells }: { cells: TraceCell[] }): JSX.Element {
  const isDefault = cells.join() === DEFAULT_CELLS.join();
  return (
    <ColumnsButton>
      {() => <ColumnsPanel list="traces" columns={cells.map(offerOf)} offers={TRACE_CELLS.map(offerOf)} back={isDefault ? null : { label: "Back to the usual ones", columns: [...DEFAULT_CELLS] }} pinLabel={(name) => `Keep ${name} where there is little room`} least={1} onColumns={setCells} />}
    </ColumnsButton>
  );
}
