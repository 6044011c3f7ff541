//! Functions of texts.

use regex::RegexBuilder;

use super::{Function, Value, decoded, encoded};
use crate::logql::template::MAX_BYTES;
use crate::logql::values::url_decoded;

/// A compiled regular expression may take so much memory.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Calls a function of texts; the one that is cut, searched or changed comes last.
pub(super) fn call(function: Function, given: &[Value]) -> Result<Value, String> {
    use Function as F;
    let texts: Vec<String> = given.iter().map(Value::shown).collect();
    let text = |at: usize| texts.get(at).map_or("", String::as_str);
    let last = texts.last().map_or("", String::as_str);
    let first = text(0);
    let number = || given.first().map_or(Ok(0), Value::int);
    let is_in = |set: &str, c: char| set.contains(c);
    let changed: String = match function {
        F::Len => return Ok(Value::Int(i64::try_from(first.len()).unwrap_or(i64::MAX))),
        F::Contains => return Ok(Value::Bool(last.contains(first))),
        F::HasPrefix => return Ok(Value::Bool(last.starts_with(first))),
        F::HasSuffix => return Ok(Value::Bool(last.ends_with(first))),
        F::CountMatches => {
            let count = regex(first)?.find_iter(last).count();
            return Ok(Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        }
        F::Base64Encode => return Ok(encoded(first)),
        F::Base64Decode => return decoded(first),
        F::Lower => first.to_lowercase(),
        F::Upper => first.to_uppercase(),
        F::Title => title(first),
        F::Trim => first.trim().to_owned(),
        F::TrimAll => last.trim_matches(|c| is_in(first, c)).to_owned(),
        F::TrimLeft => last.trim_start_matches(|c| is_in(first, c)).to_owned(),
        F::TrimRight => last.trim_end_matches(|c| is_in(first, c)).to_owned(),
        F::TrimPrefix => last.strip_prefix(first).unwrap_or(last).to_owned(),
        F::TrimSuffix => last.strip_suffix(first).unwrap_or(last).to_owned(),
        // Go's own order: the text comes first.
        F::OldTrim => first.trim_matches(|c| is_in(last, c)).to_owned(),
        F::OldTrimPrefix => first.strip_prefix(last).unwrap_or(first).to_owned(),
        F::OldTrimSuffix => first.strip_suffix(last).unwrap_or(first).to_owned(),
        F::OldReplace => match given.get(3).map_or(Ok(-1), Value::int)? {
            count if count < 0 => first.replace(text(1), text(2)),
            count => first.replacen(text(1), text(2), usize::try_from(count).unwrap_or(0)),
        },
        F::Replace => last.replace(first, text(1)),
        F::RegexReplaceAll => regex(first)?.replace_all(text(1), text(2)).into_owned(),
        F::RegexReplaceAllLiteral => regex(first)?
            .replace_all(text(1), regex::NoExpand(text(2)))
            .into_owned(),
        F::Trunc => trunc(number()?, last),
        F::Substr => substr(number()?, given.get(1).map_or(Ok(0), Value::int)?, last),
        F::Default => if last.is_empty() { first } else { last }.to_owned(),
        F::Indent => indented(number()?, last),
        F::Nindent => format!("\n{}", indented(number()?, last)),
        F::Repeat => repeated(last, number()?)?,
        F::AlignLeft => aligned(number()?, last, true),
        F::AlignRight => aligned(number()?, last, false),
        F::Printf => printf(first, given.get(1..).unwrap_or_default())?,
        F::UrlEncode => urlencode(first),
        F::UrlDecode => url_decoded(first),
        _ => texts.concat(),
    };
    Ok(Value::Text(changed))
}

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    RegexBuilder::new(pattern)
        .size_limit(MAX_REGEX_BYTES)
        .build()
        .map_err(|_| format!("the regular expression `{pattern}` is malformed"))
}

fn title(text: &str) -> String {
    let mut begins = true;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if begins {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        begins = !c.is_alphanumeric() && c != '\'';
    }
    out
}

fn trunc(count: i64, text: &str) -> String {
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count >= 0 {
        return text.chars().take(size).collect();
    }
    let skipped = text.chars().count().saturating_sub(size);
    text.chars().skip(skipped).collect()
}

fn substr(start: i64, end: i64, text: &str) -> String {
    let length = text.chars().count();
    let end = usize::try_from(end).map_or(length, |end| end.min(length));
    let start = usize::try_from(start).unwrap_or(0);
    text.chars()
        .skip(start)
        .take(end.saturating_sub(start))
        .collect()
}

fn blanks(count: i64) -> String {
    let count = usize::try_from(count).unwrap_or(0).min(MAX_BYTES);
    " ".repeat(count)
}

fn indented(count: i64, text: &str) -> String {
    let blanks = blanks(count.min(1_000));
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| format!("{blanks}{line}"))
        .collect();
    lines.join("\n")
}

fn repeated(text: &str, count: i64) -> Result<String, String> {
    let count = usize::try_from(count).unwrap_or(0);
    if text.len().saturating_mul(count) > MAX_BYTES {
        return Err(format!("the text is longer than {MAX_BYTES} bytes"));
    }
    Ok(text.repeat(count))
}

fn aligned(count: i64, text: &str, left: bool) -> String {
    let size = usize::try_from(count).unwrap_or(0);
    let length = text.chars().count();
    if length >= size {
        let from = if left { 0 } else { length - size };
        return text.chars().skip(from).take(size).collect();
    }
    let blanks = blanks(i64::try_from(size - length).unwrap_or(0));
    if left {
        format!("{text}{blanks}")
    } else {
        format!("{blanks}{text}")
    }
}

/// `%s %v %d %f %q %t %x %%` with width, `-`, `0` and precision.
fn printf(format: &str, values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut spec = String::new();
        while let Some(c) =
            chars.next_if(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | ' '))
        {
            spec.push(c);
        }
        let verb = chars
            .next()
            .ok_or("a `%` of `printf` has no letter after it")?;
        if verb == '%' {
            out.push('%');
            continue;
        }
        let value = values.next().ok_or("`printf` has too few values")?;
        out.push_str(&formatted(&spec, verb, value)?);
    }
    Ok(out)
}

fn formatted(spec: &str, verb: char, value: &Value) -> Result<String, String> {
    let (width, precision) = match spec.split_once('.') {
        Some((width, precision)) => (width, Some(precision.parse::<usize>().unwrap_or(0))),
        None => (spec, None),
    };
    let left = width.contains('-');
    let zeros = width.trim_start_matches(['-', '+', ' ']).starts_with('0') && !left;
    let size: i64 = width.trim_matches(['-', '+', ' ']).parse().unwrap_or(0);
    let text = match verb {
        's' | 'v' => {
            let text = value.shown();
            precision.map_or(text.clone(), |most| text.chars().take(most).collect())
        }
        'd' => value.int()?.to_string(),
        'f' => format!("{:.*}", precision.unwrap_or(6).min(100), value.float()?),
        'q' => format!("{:?}", value.shown()),
        't' => value.is_true().to_string(),
        'x' => match value {
            Value::Int(number) => format!("{number:x}"),
            other => hex::encode(other.shown()),
        },
        other => return Err(format!("`printf` does not know `%{other}`")),
    };
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    if length >= size {
        return Ok(text);
    }
    Ok(if zeros {
        format!("{}{text}", blanks(size - length).replace(' ', "0"))
    } else if left {
        format!("{text}{}", blanks(size - length))
    } else {
        format!("{}{text}", blanks(size - length))
    })
}

fn urlencode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => out.extend(format!("%{other:02X}").chars()),
        }
    }
    out
}
