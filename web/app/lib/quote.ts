/** A value in quotes, as the query language reads it. */
export const quoted = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;

/** A text as a regular expression that finds it. */
export const escaped = (value: string): string => value.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
