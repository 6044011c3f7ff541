import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { ComparedGroup, ComparedSpans, Comparison, Json } from "../api/types";
import { sideNames, type Names, type Row } from "../lib/compare";
import { count, duration, signed } from "../lib/format";
import { href } from "../lib/router";
import { NAMELESS } from "../trace/use-view";
import { hourAround } from "../lib/time";
import { textOf } from "../ui/attributes";
import { FindAttribute, Panel } from "../ui/panel";
import { ServiceLink } from "../ui/service";

interface Props {
  row: Row;
  found: Comparison;
  onClose: () => void;
}

/** One group: its figures on both sides, the attributes that differ, and the ways to its spans. */
export function GroupPanel({ row, found, onClose }: Props): JSX.Element {
  const { group } = row;
  const names = sideNames(found);
  return (
    <Panel label="Compared spans" head={<ServiceLink name={group.service_name} range={hourAround(found.right.start_time_unix_nano, found.right.duration_ns)} />} title={group.name || NAMELESS} onClose={onClose}>
      <p class="pills">
        <span class="kind">{group.kind.toLowerCase()}</span>
      </p>
      <Figures row={row} names={names} />
      <p class="compare-links">
        <SpanLink label={`In ${names.words[0]}`} trace={found.left.trace_id} side={group.left} />
        <SpanLink label={`In ${names.words[1]}`} trace={found.right.trace_id} side={group.right} />
      </p>
      <Differences group={group} names={names} />
    </Panel>
  );
}

function Figures({ row, names }: { row: Row; names: Names }): JSX.Element {
  const { left, right } = row.group;
  const lines: [string, (side: ComparedSpans) => number, (value: number) => string][] = [
    ["Spans", (side) => side.span_count, count],
    ["Errors", (side) => side.error_count, count],
    ["Duration", (side) => side.duration_ns, duration],
    ["Own time", (side) => side.self_time_ns, duration],
    ["Longest", (side) => side.longest.duration_ns, duration],
    ["Starts at", (side) => side.start_offset_ns, (value) => `+${duration(value)}`],
  ];
  return (
    <table class="compare-figures-table">
      <thead>
        <tr>
          <td />
          <th scope="col">{names.heads[0]}</th>
          <th scope="col">{names.heads[1]}</th>
          <th scope="col">Difference</th>
        </tr>
      </thead>
      <tbody>
        {lines.map(([label, of, text]) => {
          const [before, after] = [left, right].map((side) => (side ? of(side) : null));
          const counted = text === count;
          const delta = (after ?? 0) - (before ?? 0);
          return (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td>{before === null || before === undefined ? "–" : text(before)}</td>
              <td>{after === null || after === undefined ? "–" : text(after)}</td>
              <td class={delta === 0 ? "muted" : ""}>{left && right ? (counted ? signedCount(delta) : signed(delta)) : ""}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

const signedCount = (value: number): string => (value > 0 ? `+${count(value)}` : value < 0 ? `−${count(-value)}` : "0");

function SpanLink({ label, trace, side }: { label: string; trace: string; side: ComparedSpans | null }): JSX.Element | null {
  if (!side) return null;
  return (
    <a class="link" href={href(`/trace/${trace}`, { span: side.longest.span_id })}>
      {label}
      {side.span_count > 1 ? " (the longest)" : ""}
    </a>
  );
}

function Differences({ group, names }: { group: ComparedGroup; names: Names }): JSX.Element {
  const [needle, setNeedle] = useState("");
  const lower = needle.trim().toLowerCase();
  const found = group.attributes.filter((each) => each.key.toLowerCase().includes(lower) || [...each.left, ...each.right].some((value) => textOf(value).toLowerCase().includes(lower)));
  if (!group.left || !group.right) return <p class="hint">Only one of the two traces has this, so there are no attributes to compare.</p>;
  return (
    <section class="attributes">
      <h3>
        Attributes that differ <span class="muted">{group.attributes.length}</span>
      </h3>
      {group.attributes.length === 0 && <p class="hint">None: all attributes of both sides are the same.</p>}
      {group.attributes.length > 8 && <FindAttribute value={needle} onInput={setNeedle} />}
      <dl class="compare-attributes">
        {found.map((each) => (
          <div key={each.key}>
            <dt>{each.key}</dt>
            <Values label={names.heads[0]} class="value-before" values={each.left} />
            <Values label={names.heads[1]} class="value-after" values={each.right} />
          </div>
        ))}
      </dl>
    </section>
  );
}

function Values({ label, values, ...rest }: { label: string; class: string; values: Json[] }): JSX.Element {
  return (
    <dd class={rest.class}>
      <span class="sr-only">{label}: </span>
      {values.length === 0 ? <span class="muted">not there</span> : values.map(textOf).join(" · ")}
    </dd>
  );
}
