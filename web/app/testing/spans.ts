import type { TimelineSpan } from "../api/types";

/** What tests need of a span: everything else is empty. */
export function spanOf(some: Partial<TimelineSpan>): TimelineSpan {
  return {
    span_id: "0", parent_span_id: null, parent_index: null, depth: 0, child_count: 0, descendant_count: 0, missing_parent: false, service_name: "web", name: "GET /", kind: "SERVER",
    start_offset_ns: 0, duration_ns: 0, self_time_ns: 0, status_code: "UNSET", status_message: null, error_below: false, attributes: {}, resource: {},
    scope: { name: null, version: null, attributes: {} }, events: [], links: [], log_count: 0, ...some,
  };
}
