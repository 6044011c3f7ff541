import type { JSX } from "preact";
import type { Attributes, Json } from "../api/types";
import { EXISTS, fieldIn, type Scope } from "../lib/fields";
import { count, plural } from "../lib/format";
import { bytesOf, hexDump, hexOf, MOST_BYTES, withHex, type ByteMarks } from "../lib/hex";
import { filterText, hasFilter } from "../lib/query";
import { copyAndSay, CopyButton } from "./copy";
import { Icon } from "./icons";
import { Popover } from "./popover";
import { ValueText } from "./valuetext";

export interface FilterAction {
  query: string;
  toggle: (field: string, value: string, exclude: boolean) => void;
  /** Where the list has columns. */
  column?: { has: (field: string) => boolean; toggle: (field: string) => void };
  /** Where what is found can be counted by a field. */
  groupBy?: (field: string) => void;
}

interface Props {
  title: string;
  attributes: Attributes;
  /** Which of the values are bytes, which come as base64. */
  bytes?: ByteMarks | undefined;
  /** Which scope they are of, where they can be asked for. */
  scope?: Scope;
  /** The scopes in which a name without its scope is looked for before this one. */
  before?: readonly Attributes[];
  filter: FilterAction | null;
  pattern?: RegExp | null;
  /** Keys and values must contain this; lower case. */
  needle?: string;
}

/** The attributes of one scope as a table whose values filter the search. */
export function AttributeTable({ title, attributes, bytes, scope = "attributes", before = [], filter, pattern = null, needle = "" }: Props): JSX.Element | null {
  const all = Object.entries(attributes);
  const entries = needle === "" ? all : all.filter(([key, value]) => `${key} ${textOf(value)} ${bytes ? textOf(withHex(value, bytes[key])) : ""}`.toLowerCase().includes(needle));
  if (entries.length === 0) return null;
  return (
    <section class="attributes">
      <h3>
        {title} <span class="muted">{entries.length}</span>
      </h3>
      <dl>
        {entries.map(([key, value]) => (
          <AttributeRow key={key} name={key} value={value} mark={bytes?.[key]} field={fieldIn(scope, key, before)} filter={filter} pattern={pattern} />
        ))}
      </dl>
    </section>
  );
}

/** Text of a value as it would be written in a query or copied. */
export function textOf(value: Json): string {
  if (typeof value === "string") return value;
  return JSON.stringify(value, null, typeof value === "object" && value !== null && !Array.isArray(value) ? 2 : undefined);
}

/** Longer values have a scroll bar, which the keyboard must reach. */
const SCROLLS_FROM = 200;

interface RowProps {
  name: string;
  value: Json;
  mark: true | ByteMarks | undefined;
  field: string;
  filter: FilterAction | null;
  pattern: RegExp | null;
}

function AttributeRow({ name, value, mark, field, filter, pattern }: RowProps): JSX.Element {
  // What a search compares with, also of bytes.
  const text = textOf(value);
  const bytes = mark === true && typeof value === "string" ? bytesOf(value) : null;
  const shown = mark === undefined ? text : textOf(withHex(value, mark));
  const isPlain = value === null || typeof value !== "object";
  const included = filter !== null && isPlain && hasFilter(filter.query, field, text, false);
  const excluded = filter !== null && isPlain && hasFilter(filter.query, field, text, true);
  return (
    <div class="attribute">
      <dt title={name}>{name}</dt>
      <dd>
        {bytes ? (
          <BytesValue bytes={bytes} />
        ) : (
          <span class={`value value-${value === null ? "null" : typeof value}`} tabIndex={shown.length > SCROLLS_FROM ? 0 : undefined}>
            <ValueText text={shown === "" ? '""' : shown} pattern={pattern} />
          </span>
        )}
        <span class="value-actions">
          {filter && isPlain && (
            <>
              <button type="button" class="icon-button" aria-pressed={included} title="Only with this value" aria-label={`Only ${name} = ${text}`} onClick={() => filter.toggle(field, text, false)}>
                <Icon name="plus" size={12} />
              </button>
              <button type="button" class="icon-button" aria-pressed={excluded} title="Without this value" aria-label={`Without ${name} = ${text}`} onClick={() => filter.toggle(field, text, true)}>
                <Icon name="minus" size={12} />
              </button>
            </>
          )}
          <CopyButton text={bytes ? hexOf(bytes) : shown} title={bytes ? `Copy ${name} in hex` : `Copy ${name}`} />
          <Popover button={<Icon name="more" size={14} />} title="More" label={`More of ${name}`} buttonClass="icon-button">
            {(close) => <ValueMenu name={name} field={field} text={text} filter={filter} close={close} />}
          </Popover>
        </span>
      </dd>
    </div>
  );
}

/** Of longer ones the beginning, and all that a dump shows when it is opened. */
const INLINE_BYTES = 24;

/** A value that is bytes: in hex, with its length. */
export function BytesValue({ bytes }: { bytes: Uint8Array }): JSX.Element {
  const size = <span class="muted value-size">{plural(bytes.length, "byte")}</span>;
  if (bytes.length <= INLINE_BYTES) {
    return (
      <span class="value value-bytes">
        {hexOf(bytes)} {size}
      </span>
    );
  }
  return (
    <details class="value value-bytes">
      <summary>
        {hexOf(bytes.subarray(0, INLINE_BYTES))} … {size}
      </summary>
      <pre tabIndex={0}>{hexDump(bytes)}</pre>
      {bytes.length > MOST_BYTES && <p class="hint">The first {count(MOST_BYTES)} bytes; all of them are copied.</p>}
    </details>
  );
}

interface MenuProps {
  name: string;
  field: string;
  text: string;
  filter: FilterAction | null;
  close: () => void;
}

/** What is done less often with a value than to filter by it or to copy it. */
function ValueMenu({ name, field, text, filter, close }: MenuProps): JSX.Element {
  const act = (what: () => void) => () => {
    what();
    close();
  };
  const copy = (copied: string) => act(() => copyAndSay(copied, "Copied"));
  const { groupBy, column } = filter ?? {};
  return (
    <div class="value-menu">
      {groupBy && (
        <button type="button" onClick={act(() => groupBy(field))}>
          <Icon name="group" size={12} />
          Group by {name}
        </button>
      )}
      {column && (
        <button type="button" aria-pressed={column.has(field)} onClick={act(() => column.toggle(field))}>
          <Icon name="columns" size={12} />
          {column.has(field) ? "Take out of the list" : "Column in the list"}
        </button>
      )}
      {filter && (
        <button type="button" onClick={act(() => filter.toggle(EXISTS, field, false))}>
          <Icon name="check" size={12} />
          Only with the field
        </button>
      )}
      {filter && (
        <button type="button" onClick={act(() => filter.toggle(EXISTS, field, true))}>
          <Icon name="minus" size={12} />
          Only without the field
        </button>
      )}
      <button type="button" onClick={copy(filterText(field, text))}>
        <Icon name="copy" size={12} />
        Copy as a filter
      </button>
      <button type="button" onClick={copy(`${name}=${text}`)}>
        <Icon name="copy" size={12} />
        Copy key=value
      </button>
    </div>
  );
}
