// The search language of docs/api.md, enough of it for UI development. The server's own parser is in Rust.

const ALIASES = {
  service: "service_name", "service.name": "service_name", severity: "level", status: "status_code",
  operation: "name", duration: "duration_ns", message: "body",
};
const UNITS = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 36e11 };
const LEVELS = ["unset", "trace", "debug", "info", "warn", "error", "fatal"];

export class QueryError extends Error {
  constructor(message, position, hint = null) {
    super(message);
    this.position = position;
    this.hint = hint;
  }
}

const LEX = /\s+|[()]|-(?=[^\s-])|(?:[A-Za-z_@][\w.@/-]*)(?::(?:>=|<=|!=|[><=~])?|>=|<=|!=|[><=])|"(?:[^"\\]|\\.)*"|[^\s()"]+|"/gy;

function lex(text) {
  const tokens = [];
  LEX.lastIndex = 0;
  let match;
  while ((match = LEX.exec(text))) {
    if (match[0] === '"') throw new QueryError("this quote is never closed", match.index, 'add a closing `"`');
    if (match[0].trim()) tokens.push({ text: match[0], at: match.index });
  }
  return tokens;
}

/** A function (row, get) → boolean. */
export function compile(text) {
  const tokens = lex(text ?? "");
  let next = 0;
  const peek = () => tokens[next];
  const parseOr = () => {
    let left = parseAnd();
    while (peek()?.text === "OR") {
      next += 1;
      const right = parseAnd();
      const before = left;
      left = (row) => before(row) || right(row);
    }
    return left;
  };
  const parseAnd = () => {
    const parts = [];
    while (peek() && peek().text !== ")" && peek().text !== "OR") {
      if (peek().text === "AND") next += 1;
      else parts.push(parseNot());
    }
    if (parts.length === 0 && tokens.length > 0) throw new QueryError("something to search for is missing here", peek()?.at ?? text.length);
    return (row) => parts.every((part) => part(row));
  };
  const parseNot = () => {
    const token = tokens[next++];
    if (token.text === "-" || token.text === "NOT") {
      if (!peek()) throw new QueryError("something to search for is missing here", text.length);
      const inner = parseNot();
      return (row) => !inner(row);
    }
    if (token.text === "(") {
      const inner = parseOr();
      if (peek()?.text !== ")") throw new QueryError("this parenthesis is never closed", token.at, "add a `)`");
      next += 1;
      return inner;
    }
    const field = /^([A-Za-z_@][\w.@/-]*)(:(?:>=|<=|!=|[><=~])?|>=|<=|!=|[><=])$/.exec(token.text);
    if (field) {
      const value = tokens[next++];
      if (!value || value.text === ")") throw new QueryError(`a value is missing after \`${token.text}\``, value?.at ?? text.length, `such as \`${token.text}x\``);
      return comparison(field[1], field[2].replace(/^:(?=.)/, ""), unquote(value.text), value.at);
    }
    if (/^[0-9a-f]{32}$/i.test(token.text)) return (row) => row.trace_id === token.text.toLowerCase();
    return words("text", unquote(token.text));
  };
  const tree = parseOr();
  if (peek()) throw new QueryError("this parenthesis closes nothing", peek().at);
  return tree;
}

const unquote = (text) => (text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text);
const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

function words(kind, text) {
  const tokens = text.toLowerCase().split(/[^\p{L}\p{N}*]+/u).filter(Boolean).map((word) => escape(word).replace(/\\\*/g, "[\\p{L}\\p{N}]*"));
  if (tokens.length === 0) return () => true;
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}])${tokens.join("[^\\p{L}\\p{N}]+")}(?![\\p{L}\\p{N}])`, "iu");
  return (row) => pattern.test(kind === "text" ? row.text : row.body ?? "");
}

export function read(row, field) {
  const name = ALIASES[field] ?? field;
  if (row[name] !== undefined && typeof row[name] !== "object") return row[name];
  if (name.startsWith("resource.")) return row.resource[name.slice(9)];
  const bare = name.replace(/^attributes\./, "");
  return row.attributes[bare] ?? row.resource[bare];
}

function comparison(field, operator, value, at) {
  if (field === "has") return (row) => read(row, value) !== undefined;
  const name = ALIASES[field] ?? field;
  if (operator === ":" && name === "body") return words("body", value);
  if (["duration_ns"].includes(name)) {
    const match = /^([\d.]+)\s*(ns|us|µs|ms|s|m|h)?$/.exec(value);
    if (!match) throw new QueryError(`\`${value}\` is not a duration`, at, "write it as `250ms` or `1.5s`");
    return compare((row) => row.duration_ns, operator, Number(match[1]) * UNITS[match[2] ?? "ns"]);
  }
  if (name === "level" && operator !== ":" && operator !== "=") {
    if (!LEVELS.includes(value.toLowerCase())) throw new QueryError(`\`${value}\` is not a level`, at, `one of ${LEVELS.join(", ")}`);
    return compare((row) => LEVELS.indexOf(row.level), operator, LEVELS.indexOf(value.toLowerCase()));
  }
  if (/^[><]/.test(operator)) {
    if (Number.isNaN(Number(value))) throw new QueryError(`\`${value}\` is not a number`, at);
    return compare((row) => Number(read(row, field)), operator, Number(value));
  }
  const pattern = /[*?]/.test(value) ? new RegExp(`^${escape(value).replace(/\\\*/g, ".*").replace(/\\\?/g, ".")}$`, "is") : null;
  const loose = ["level", "status_code", "kind"].includes(name);
  const equal = (row) => {
    const found = read(row, field);
    if (found === undefined || found === null) return false;
    if (pattern) return pattern.test(String(found));
    return loose ? String(found).toLowerCase() === value.toLowerCase() : String(found) === value;
  };
  return operator === "!=" ? (row) => !equal(row) : equal;
}

function compare(get, operator, wanted) {
  if (operator === ">") return (row) => get(row) > wanted;
  if (operator === ">=") return (row) => get(row) >= wanted;
  if (operator === "<") return (row) => get(row) < wanted;
  if (operator === "<=") return (row) => get(row) <= wanted;
  if (operator === "!=") return (row) => get(row) !== wanted;
  return (row) => get(row) === wanted;
}
