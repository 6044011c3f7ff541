import { getJson, postJson } from "../api/client";
import type { FieldPage, SqlAnswer } from "../api/types";
import { useApi, type Loaded } from "../api/use";

export interface Column {
  name: string;
  type: string;
}

export interface Table {
  name: string;
  columns: Column[];
  /** Attributes, which are read as quoted columns. */
  attributes: Column[];
}

const TABLES = ["spans", "logs", "traces", "services", "service_edges"];
/** Those that are stored; the others are computed from them, and have no attributes. */
const STORED = ["spans", "logs"];
const MOST_ATTRIBUTES = 500;

/** The columns of all tables, from an empty answer, and the attributes that records have. */
export function useSchema(): Loaded<Table[]> {
  return useApi<Table[]>("schema", (signal) =>
    Promise.all(
      TABLES.map(async (name) => {
        const [empty, fields] = await Promise.all([
          postJson<SqlAnswer>("/api/v1/sql", { query: `SELECT * FROM ${name} LIMIT 0` }, signal),
          STORED.includes(name) ? getJson<FieldPage>("/api/v1/fields", { table: name }, signal) : null,
        ]);
        const columns = empty.columns.map((column) => ({ name: column.name, type: column.type }));
        const known = new Set(columns.map((column) => column.name));
        const attributes = (fields?.fields ?? [])
          .filter((field) => !known.has(field.name))
          .slice(0, MOST_ATTRIBUTES)
          .map((field) => ({ name: field.name, type: field.types.join(", ") }));
        return { name, columns, attributes };
      }),
    ),
  );
}

/** A type in short: that of a nested one and the unit of a time are in its tip. */
export const shortType = (type: string): string => /^(Timestamp|List|Map|Struct|Dictionary)\(/.exec(type)?.[1] ?? type;

/** A name as SQL wants it: quoted when it is more than lower case letters, digits and `_`. */
export const sqlName = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replace(/"/g, '""')}"`);
