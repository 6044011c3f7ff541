import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Json, SqlAnswer } from "../api/types";
import { useCharacterWidth } from "../lib/character";
import { useListLook } from "../lib/listlook";
import { usePhone } from "../lib/prefs";
import { isNumberType } from "../lib/resultchart";
import { href } from "../lib/router";
import { HeadCell, useColumnDrag } from "../ui/columnhead";
import { VirtualList } from "../ui/virtual";
import type { ResultColumns } from "./columns";

const ROW = 24;
/** Of the comfortable density; the same as in the style sheet. */
const ROOMY_ROW = 34;
const HEAD = 26;
const SAMPLE = 60;
const MIN_CH = 6;
const MAX_CH = 60;
/** Between columns, and before the first, in px. */
const GAP = 12;
const GUTTER = 16;
const TRACE_ID = /^[0-9a-f]{32}$/;

const shown = (value: Json | undefined): string => (value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

interface Props {
  answer: SqlAnswer;
  columns: ResultColumns;
}

/** The rows of an answer; of ten thousand only those in sight are in the page. Pinned columns stand still at the left. */
export function ResultTable({ answer, columns: { places, setPlaces } }: Props): JSX.Element {
  const look = useListLook("sql");
  const phone = usePhone();
  const character = useCharacterWidth();
  const drag = useColumnDrag(places.map(String), (ids) => setPlaces(ids.map(Number)));
  const isPinned = (place: number): boolean => !phone && look.pinned.includes(answer.columns[place]?.name ?? "");
  const ordered = [...places.filter(isPinned), ...places.filter((place) => !isPinned(place))];
  const longest = useMemo(
    () =>
      answer.columns.map((column, at) => {
        const most = answer.rows.slice(0, SAMPLE).reduce((so, row) => Math.max(so, shown(row[at]).length), column.name.length);
        return Math.min(MAX_CH, Math.max(MIN_CH, most)) + 2;
      }),
    [answer],
  );
  const roomy = !phone && look.density === "comfortable";
  const layout = ordered.map((place) => {
    const chosen = look.widths[answer.columns[place]?.name ?? ""];
    const width = chosen ?? longest[place] ?? MIN_CH;
    const px = Math.round(width * character);
    const pinned = isPinned(place);
    return { place, pinned, px, track: chosen !== undefined || pinned ? `${px}px` : `minmax(${Math.round(Math.min(width, 16) * character)}px, ${px}px)` };
  });
  let left = GUTTER;
  const cells = layout.map(({ place, pinned, px }) => {
    const style = pinned ? { left: `${left}px` } : undefined;
    if (pinned) left += px + GAP;
    return { place, style, class: pinned ? "result-pinned" : "" };
  });
  return (
    <div class={roomy ? "result result-roomy" : "result"} style={{ "--columns": layout.map(({ track }) => track).join(" ") }}>
      <VirtualList
        label={`Result, ${answer.rows.length} rows`}
        count={answer.rows.length}
        rowHeight={roomy ? ROOMY_ROW : ROW}
        headerHeight={HEAD}
        header={
          <div class="result-row result-head">
            {cells.map(({ place, style, class: className }) => {
              const column = answer.columns[place];
              return (
                column && (
                  <HeadCell key={place} list="sql" id={String(place)} name={column.name} label={`${column.name}`} characterPx={character} drag={drag} style={style} class={`${className} ${isNumberType(column.type) ? "number" : ""}`} onTake={places.length > 1 ? () => setPlaces(places.filter((other) => other !== place)) : null}>
                    <span title={column.type}>{column.name}</span>
                  </HeadCell>
                )
              );
            })}
          </div>
        }
        renderRow={(index) => {
          const row = answer.rows[index];
          return (
            row && (
              <div key={index} class="result-row">
                {cells.map(({ place, style, class: className }) => {
                  const column = answer.columns[place];
                  return column && <Value key={place} value={row[place]} column={column} class={className} style={style} />;
                })}
              </div>
            )
          );
        }}
      />
    </div>
  );
}

interface ValueProps {
  value: Json | undefined;
  column: { name: string; type: string };
  class: string;
  style: Record<string, string> | undefined;
}

function Value({ value, column, class: className, style }: ValueProps): JSX.Element {
  const text = shown(value);
  if (value === null || value === undefined) {
    return (
      <span class={`muted ${className}`} style={style}>
        null
      </span>
    );
  }
  if (column.name === "trace_id" && TRACE_ID.test(text)) {
    return (
      <a class={`result-link ${className}`} style={style} href={href(`/trace/${text}`)}>
        {text}
      </a>
    );
  }
  return (
    <span class={`${isNumberType(column.type) ? "number " : ""}${className}`} style={style} title={text.length > 24 ? text : undefined}>
      {text.replace(/\n/g, " ↵ ")}
    </span>
  );
}
