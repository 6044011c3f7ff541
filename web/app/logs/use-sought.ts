import { useEffect, useMemo, useRef } from "preact/hooks";
import { getJson } from "../api/client";
import type { LogPage, LogRecord } from "../api/types";
import { useApi } from "../api/use";
import type { VirtualHandle } from "../ui/virtual";
import type { LogRows } from "./use-logs";

/** Rows that are loaded to find one; who looks farther down has its panel, and its own page. */
const MOST_ROWS = 10_000;

interface Sought {
  /** The record that the address names, in the list or not; null while it is not known. */
  record: LogRecord | null;
  /** Where it is in the list; -1 where it is not. */
  index: number;
}

/**
 * The record that the address names as chosen. A link may name one far down the list: it is asked for by its id, and the list is
 * loaded to where it is. `order` is that of the list, `restored` that its rows and their place are as they were left.
 */
export function useSought(id: string | null, logs: LogRows, order: "asc" | "desc", list: { current: VirtualHandle | null }, restored: boolean): Sought {
  const index = useMemo(() => (id === null ? -1 : logs.rows.findIndex((row) => row.id === id)), [logs.rows, id]);
  const asked = useApi<LogPage>(id !== null && index === -1 && !logs.loading ? `sought ${id}` : null, (signal) => getJson("/api/v1/logs", { query: `record_id:${id ?? ""}`, limit: 1 }, signal));
  const found = asked.data?.logs[0]?.id === id ? asked.data?.logs[0] : undefined;
  const last = logs.rows.at(-1);
  const isBelow = found !== undefined && last !== undefined && isBefore(last, found, order);
  const { hasMore, loadMore, loadingMore } = logs;
  useEffect(() => {
    if (index === -1 && isBelow && hasMore && !loadingMore && logs.rows.length < MOST_ROWS) loadMore();
  }, [index, isBelow, hasMore, loadingMore, logs.rows.length]);
  // Brought into sight once; after that it is where the reader has it.
  const shown = useRef(restored && index !== -1 ? id : null);
  useEffect(() => {
    if (index === -1 || shown.current === id) return;
    shown.current = id;
    list.current?.show(index);
  }, [id, index]);
  return { record: logs.rows[index] ?? found ?? null, index };
}

function isBefore(one: LogRecord, other: LogRecord, order: "asc" | "desc"): boolean {
  const distance = BigInt(one.time_unix_nano) - BigInt(other.time_unix_nano) || BigInt(one.id) - BigInt(other.id);
  return order === "asc" ? distance < 0n : distance > 0n;
}
