//! Writes JSON text front to back into one buffer.

/// Grows one JSON text. Commas are put where they belong; that begins and ends pair up, and that
/// every value in an object has a key, is the caller's duty.
#[derive(Debug, Default)]
pub struct JsonWriter {
    out: Vec<u8>,
}

impl JsonWriter {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing yet, with room for `bytes`.
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            out: Vec::with_capacity(bytes),
        }
    }

    /// The text.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// A comma, unless this is the first item. What ends a value is never one of these bytes,
    /// so the last byte tells.
    fn separate(&mut self) {
        if !matches!(self.out.last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(b',');
        }
    }

    /// `{`
    pub fn begin_object(&mut self) {
        self.separate();
        self.out.push(b'{');
    }

    /// `}`
    pub fn end_object(&mut self) {
        self.out.push(b'}');
    }

    /// `[`
    pub fn begin_array(&mut self) {
        self.separate();
        self.out.push(b'[');
    }

    /// An array of what `write` writes of each item: one value.
    pub fn list<I: IntoIterator>(&mut self, items: I, mut write: impl FnMut(&mut Self, I::Item)) {
        self.begin_array();
        for item in items {
            write(self, item);
        }
        self.end_array();
    }

    /// `]`
    pub fn end_array(&mut self) {
        self.out.push(b']');
    }

    /// The key of the value that follows.
    pub fn key(&mut self, key: &str) {
        self.string(key);
        self.out.push(b':');
    }

    /// A string.
    pub fn string(&mut self, text: &str) {
        self.separate();
        self.out.push(b'"');
        escape_into(&mut self.out, text);
        self.out.push(b'"');
    }

    /// A string, or null.
    pub fn optional_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.null(),
        }
    }

    /// Bytes as a string of lower-case hex.
    pub fn hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.separate();
        self.out.push(b'"');
        for byte in bytes {
            self.out.push(DIGITS[usize::from(byte >> 4)]);
            self.out.push(DIGITS[usize::from(byte & 15)]);
        }
        self.out.push(b'"');
    }

    /// A whole number.
    pub fn int(&mut self, value: impl Into<i128>) {
        self.separate();
        self.digits(value.into());
    }

    /// A count.
    pub fn count(&mut self, value: usize) {
        self.int(value as u64);
    }

    /// A whole number as a string, as OTLP writes 64-bit ones.
    pub fn int_string(&mut self, value: impl Into<i128>) {
        self.separate();
        self.out.push(b'"');
        self.digits(value.into());
        self.out.push(b'"');
    }

    /// A finite number as JSON; the others as the strings `NaN`, `Infinity` and `-Infinity`, as
    /// proto3 JSON writes them.
    pub fn double(&mut self, value: f64) {
        if value.is_finite() {
            self.raw(&format!("{value:?}"));
        } else if value.is_nan() {
            self.string("NaN");
        } else {
            self.string(if value > 0.0 { "Infinity" } else { "-Infinity" });
        }
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// `null`
    pub fn null(&mut self) {
        self.raw("null");
    }

    /// A value that is JSON already.
    pub fn raw(&mut self, json: &str) {
        self.raw_bytes(json.as_bytes());
    }

    /// As [`JsonWriter::raw`], for the output of another writer.
    pub fn raw_bytes(&mut self, json: &[u8]) {
        self.separate();
        self.out.extend_from_slice(json);
    }

    /// Takes back everything after the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.out.truncate(len);
    }

    fn digits(&mut self, value: i128) {
        if value < 0 {
            self.out.push(b'-');
        }
        // Only 64-bit numbers come here, signed or not; they have at most 20 digits.
        let mut buffer = [0_u8; 20];
        let mut start = buffer.len();
        let mut rest = u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX);
        loop {
            start -= 1;
            buffer[start] = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&buffer[start..]);
    }
}

fn escape_into(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut clean_from = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean_from..index]);
        clean_from = index + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => out.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[clean_from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_a_json_reader_reads_back() {
        let nasty = "quote\" back\\slash \n\r\t \u{1} \u{7f} ü 😀 {[:,";
        let mut json = JsonWriter::new();
        json.begin_object();
        json.key(nasty);
        json.string(nasty);
        json.key("list");
        json.begin_array();
        json.int(0);
        json.int(i64::MIN);
        json.int_string(u64::MAX);
        json.double(1e300);
        json.double(-0.0);
        json.double(f64::NAN);
        json.bool(true);
        json.null();
        json.hex(&[0, 0xab]);
        json.begin_object();
        json.end_object();
        json.begin_array();
        json.end_array();
        json.string("{");
        json.string("[");
        json.end_array();
        json.end_object();
        let read: serde_json::Value = serde_json::from_slice(&json.finish()).unwrap();
        assert_eq!(
            read,
            serde_json::json!({nasty: nasty, "list": [
                0, i64::MIN, "18446744073709551615", 1e300, -0.0, "NaN", true, null, "00ab", {}, [],
                "{", "["]})
        );
    }
}
