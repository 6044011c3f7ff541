/** How many spans traces have, as far as a list said so: then how to load one is known at once. */
const sizes = new Map<string, number>();
const MOST = 2000;

export function rememberSizes(traces: readonly { trace_id: string; span_count: number }[]): void {
  for (const { trace_id, span_count } of traces) {
    sizes.delete(trace_id);
    sizes.set(trace_id, span_count);
  }
  for (const oldest of sizes.keys()) {
    if (sizes.size <= MOST) return;
    sizes.delete(oldest);
  }
}

export const knownSize = (traceId: string): number | null => sizes.get(traceId) ?? null;
