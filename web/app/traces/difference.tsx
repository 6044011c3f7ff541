import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { Difference, DifferencePage } from "../api/groups";
import { useApi } from "../api/use";
import { count, percent, shortTime, useZone } from "../lib/format";
import { setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";
import { narrowed } from "../lib/template";
import { Panel } from "../ui/panel";
import { EmptyState, ErrorState, Incomplete, Skeleton } from "../ui/states";

const LIMIT = 40;
const LEFT_OUT = 5;

interface Props {
  search: Search;
  /** Narrows the list's spans down to the selection, as `duration>=1s`. */
  clause: string;
  /** What the list's query stands for when it is empty. */
  base: string;
}

/** What the selected spans have in common that the others of the list have not. */
export function DifferencePanel({ search, clause, base }: Props): JSX.Element {
  const { params } = usePlace();
  const zone = useZone();
  const part = { start: params.get("dstart"), end: params.get("dend") };
  const start = part.start ?? search.fixed.start;
  const end = part.end ?? search.fixed.end;
  const query = narrowed(base, clause, false);
  const baseline = narrowed(base, clause, true);
  const found = useApi<DifferencePage>(`difference ${query} ${start} ${end} ${search.key}`, (signal) => getJson("/api/v1/spans/difference", { query, baseline, start, end, limit: LIMIT }, signal));
  const narrow = (): void => setParams({ q: narrowed(search.query, clause, false), ...(part.start && part.end ? { start: part.start, end: part.end } : {}), diff: null, dstart: null, dend: null });
  const close = (): void => setParams({ diff: null, dstart: null, dend: null }, "replace");
  return (
    <Panel label="What they have in common" head={<b>What do these have in common?</b>} onClose={close}>
      <p class="difference-what">
        <code>{clause}</code>
        {part.start && part.end && (
          <span class="muted">
            {" "}
            {shortTime(Date.parse(part.start), zone)} – {shortTime(Date.parse(part.end), zone)}
          </span>
        )}{" "}
        <button type="button" class="text-button" title="Puts it into the query and the range" onClick={narrow}>
          Show only these
        </button>
      </p>
      <Incomplete answers={[found.data]} />
      {found.error ? <ErrorState error={found.error} retry={found.reload} /> : !found.data ? <Skeleton rows={10} rowHeight={40} /> : <Found page={found.data} clause={clause} onUse={(query) => setParams({ q: narrowed(search.query, query, false), diff: null, dstart: null, dend: null })} />}
    </Panel>
  );
}

function Found({ page, clause, onUse }: { page: DifferencePage; clause: string; onUse: (query: string) => void }): JSX.Element {
  // That the failed have failed is not news.
  const differences = page.differences.filter((each) => !(each.field === "status_code" && clause.startsWith("status:")));
  if (differences.length === 0) {
    return (
      <EmptyState title="Nothing tells them apart">
        <p>
          {count(page.selection_count)} selected and {count(page.baseline_count)} other spans have the same values about as often. A larger selection may say more.
        </p>
      </EmptyState>
    );
  }
  return (
    <>
      <p class="hint difference-legend">
        <i class="swatch difference-own" /> {count(page.selection_count)} selected
        <i class="swatch difference-others" /> {count(page.baseline_count)} others
      </p>
      <ul class="differences">
        {differences.map((each) => (
          <li key={`${each.field} ${each.value}`}>
            <DifferenceRow difference={each} onUse={onUse} />
          </li>
        ))}
      </ul>
      {page.left_out_fields.length > 0 && (
        <p class="hint" title={page.left_out_fields.join("\n")}>
          Not compared, as they have too many values: {page.left_out_fields.slice(0, LEFT_OUT).join(", ")}
          {page.left_out_fields.length > LEFT_OUT ? ` and ${page.left_out_fields.length - LEFT_OUT} more` : ""}
        </p>
      )}
    </>
  );
}

function DifferenceRow({ difference, onUse }: { difference: Difference; onUse: (query: string) => void }): JSX.Element {
  const { field, value, query, selection_share: own, baseline_share: others } = difference;
  const say = `${count(difference.selection_count)} of the selected, ${count(difference.baseline_count)} of the others`;
  return (
    <button type="button" class="difference" disabled={query === null} title={query === null ? say : `${say}. Narrow the list down to them`} onClick={() => query !== null && onUse(query)}>
      <span class="difference-field">{field.replace(/^attributes\./, "")}</span>
      <b class="difference-value">{value ?? <i class="muted">not there</i>}</b>
      <span class="difference-bar" aria-hidden="true">
        <i class="difference-own" style={{ width: `${own * 100}%` }} />
        <i class="difference-others" style={{ width: `${others * 100}%` }} />
      </span>
      <span class="difference-shares number">
        <b>{percent(own, 1)}</b>
        <span class="muted">{percent(others, 1)}</span>
      </span>
    </button>
  );
}
