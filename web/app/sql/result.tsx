import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Json, SqlAnswer } from "../api/types";
import { href } from "../lib/router";
import { VirtualList } from "../ui/virtual";

const ROW = 24;
const HEAD = 26;
const SAMPLE = 60;
const MIN_CH = 6;
const MAX_CH = 60;
const TRACE_ID = /^[0-9a-f]{32}$/;

const shown = (value: Json | undefined): string => (value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));
const isNumber = (type: string): boolean => /^(U?Int|Float|Decimal)/.test(type);

/** The rows of an answer; of ten thousand only those in sight are in the page. */
export function ResultTable({ answer }: { answer: SqlAnswer }): JSX.Element {
  const widths = useMemo(
    () =>
      answer.columns.map((column, at) => {
        const longest = answer.rows.slice(0, SAMPLE).reduce((most, row) => Math.max(most, shown(row[at]).length), column.name.length);
        return Math.min(MAX_CH, Math.max(MIN_CH, longest)) + 2;
      }),
    [answer],
  );
  const template = widths.map((width) => `minmax(${Math.min(width, 16)}ch, ${width}ch)`).join(" ");
  const least = widths.reduce((sum, width) => sum + width, 0);
  return (
    <div class="result" style={{ "--columns": template, "--least": `${least}ch` }}>
      <VirtualList
        label={`Result, ${answer.rows.length} rows`}
        count={answer.rows.length}
        rowHeight={ROW}
        headerHeight={HEAD}
        header={
          <div class="result-row result-head">
            {answer.columns.map((column, at) => (
              <span key={at} class={isNumber(column.type) ? "number" : ""} title={column.type}>
                {column.name}
              </span>
            ))}
          </div>
        }
        renderRow={(index) => {
          const row = answer.rows[index];
          return (
            row && (
              <div key={index} class="result-row">
                {answer.columns.map((column, at) => (
                  <Value key={at} value={row[at]} column={column} />
                ))}
              </div>
            )
          );
        }}
      />
    </div>
  );
}

function Value({ value, column }: { value: Json | undefined; column: { name: string; type: string } }): JSX.Element {
  const text = shown(value);
  if (value === null || value === undefined) return <span class="muted">null</span>;
  if (column.name === "trace_id" && TRACE_ID.test(text)) {
    return (
      <a class="result-link" href={href(`/trace/${text}`)}>
        {text}
      </a>
    );
  }
  return (
    <span class={isNumber(column.type) ? "number" : ""} title={text.length > 24 ? text : undefined}>
      {text.replace(/\n/g, " ↵ ")}
    </span>
  );
}
