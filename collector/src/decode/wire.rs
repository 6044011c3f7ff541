//! Reads the protobuf wire format field by field, without allocating and without a schema.
//!
//! Only what OTLP uses: varint, 64-bit, length-delimited and 32-bit fields. Groups, which proto3
//! cannot write, are malformed here. Every value knows its offset in the request, so that an
//! error can say where.

/// Where and why a request is not protobuf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WireError {
    /// Offset in bytes from the start of the request.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) problem: &'static str,
}

type Result<T> = std::result::Result<T, WireError>;

/// A message's bytes, read from the front.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

/// One field of a message: its number and its value, still untyped.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field<'a> {
    /// The field's number in its message.
    pub(crate) number: u32,
    value: Value<'a>,
    at: usize,
}

#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Reader<'a> {
    /// Reads a whole request.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { data, at: 0 }
    }

    /// How many bytes are left.
    pub(crate) fn len(&self) -> usize {
        self.data.len()
    }

    /// The next field, or `None` at the end of the message.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<Field<'a>>> {
        if self.data.is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).unwrap_or(0);
        if number == 0 {
            return Err(WireError {
                at: start,
                problem: "the field number is not valid",
            });
        }
        let at = self.at;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => {
                let declared = self.varint()?;
                let length = usize::try_from(declared).unwrap_or(usize::MAX);
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(u32::from_le_bytes(self.array()?)),
            _ => {
                return Err(WireError {
                    at: start,
                    problem: "the wire type is not valid",
                });
            }
        };
        // Sub-messages count offsets from where their bytes start.
        let at = match value {
            Value::Bytes(bytes) => self.at - bytes.len(),
            _ => at,
        };
        Ok(Some(Field { number, value, at }))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64> {
        if let [first @ 0..=0x7f, rest @ ..] = self.data {
            self.data = rest;
            self.at += 1;
            return Ok(u64::from(*first));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64> {
        let mut value = 0_u64;
        for (index, byte) in self.data.iter().take(10).enumerate() {
            if index == 9 && *byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * index);
            if *byte < 0x80 {
                self.data = self.data.get(index + 1..).unwrap_or_default();
                self.at += index + 1;
                return Ok(value);
            }
        }
        let problem = if self.data.len() < 10 {
            "the message ends inside a varint"
        } else {
            "a varint is longer than 64 bits"
        };
        Err(WireError {
            at: self.at,
            problem,
        })
    }

    #[inline]
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.data.split_at_checked(length) else {
            return Err(WireError {
                at: self.at,
                problem: "a field is longer than the message that holds it",
            });
        };
        self.data = rest;
        self.at += length;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((taken, rest)) = self.data.split_first_chunk::<N>() else {
            return Err(WireError {
                at: self.at,
                problem: "the message ends inside a fixed-width number",
            });
        };
        self.data = rest;
        self.at += N;
        Ok(*taken)
    }
}

impl<'a> Field<'a> {
    fn wrong_type<T>(&self) -> Result<T> {
        Err(WireError {
            at: self.at,
            problem: "the field has another wire type than OTLP gives it",
        })
    }

    /// The value of a `uint64`, `int64`, `bool` or enum field.
    #[inline]
    pub(crate) fn varint(&self) -> Result<u64> {
        match self.value {
            Value::Varint(value) => Ok(value),
            _ => self.wrong_type(),
        }
    }

    /// The value of a `uint32` field; upper bits are cut off, as protobuf says.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "protobuf truncates 32-bit varints"
    )]
    pub(crate) fn uint32(&self) -> Result<u32> {
        Ok(self.varint()? as u32)
    }

    /// The value of an `int32` or enum field; upper bits are cut off, as protobuf says.
    #[inline]
    pub(crate) fn int32(&self) -> Result<i32> {
        Ok(self.uint32()?.cast_signed())
    }

    /// The value of a `fixed64` field.
    #[inline]
    pub(crate) fn fixed64(&self) -> Result<u64> {
        match self.value {
            Value::Fixed64(value) => Ok(value),
            _ => self.wrong_type(),
        }
    }

    /// The value of a `fixed32` field.
    #[inline]
    pub(crate) fn fixed32(&self) -> Result<u32> {
        match self.value {
            Value::Fixed32(value) => Ok(value),
            _ => self.wrong_type(),
        }
    }

    /// The value of a `string` or `bytes` field.
    #[inline]
    pub(crate) fn bytes(&self) -> Result<&'a [u8]> {
        match self.value {
            Value::Bytes(value) => Ok(value),
            _ => self.wrong_type(),
        }
    }

    /// The value of a message field, to be read in turn.
    #[inline]
    pub(crate) fn message(&self) -> Result<Reader<'a>> {
        Ok(Reader {
            data: self.bytes()?,
            at: self.at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(data: &[u8]) -> Result<Vec<u32>> {
        let mut reader = Reader::new(data);
        let mut numbers = Vec::new();
        while let Some(field) = reader.next()? {
            numbers.push(field.number);
        }
        Ok(numbers)
    }

    #[test]
    fn fields_of_every_wire_type_are_read() {
        let data = [
            0x08, 0x96, 0x01, // 1: varint 150
            0x11, 1, 0, 0, 0, 0, 0, 0, 0, // 2: fixed64 1
            0x1a, 2, b'h', b'i', // 3: bytes
            0x25, 7, 0, 0, 0, // 4: fixed32 7
        ];
        let mut reader = Reader::new(&data);
        assert_eq!(reader.next().unwrap().unwrap().varint().unwrap(), 150);
        assert_eq!(reader.next().unwrap().unwrap().fixed64().unwrap(), 1);
        let text = reader.next().unwrap().unwrap();
        assert_eq!(text.bytes().unwrap(), b"hi");
        assert_eq!(text.at, 14, "the offset of the bytes themselves");
        assert_eq!(reader.next().unwrap().unwrap().fixed32().unwrap(), 7);
        assert!(reader.next().unwrap().is_none());
    }

    #[test]
    fn malformed_bytes_are_named_with_their_place() {
        let cases: [(&[u8], usize, &str); 6] = [
            (&[0x08], 1, "ends inside a varint"),
            (&[0x08, 0x80], 1, "ends inside a varint"),
            (&[0x1a, 5, b'h'], 2, "longer than the message"),
            (&[0x11, 1, 2], 1, "fixed-width"),
            (&[0x08, 1, 0x0b], 2, "wire type"),
            (&[0x00, 1], 0, "field number"),
        ];
        for (data, at, problem) in cases {
            let error = read_all(data).unwrap_err();
            assert_eq!(error.at, at, "{data:?}");
            assert!(
                error.problem.contains(problem),
                "{data:?}: {}",
                error.problem
            );
        }
        let eleven = [
            0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
        ];
        assert!(read_all(&eleven).unwrap_err().problem.contains("64 bits"));
    }

    #[test]
    fn the_largest_varint_is_read() {
        let data = [
            0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        let field = Reader::new(&data).next().unwrap().unwrap();
        assert_eq!(field.varint().unwrap(), u64::MAX);
        assert_eq!(field.int32().unwrap(), -1);
    }
}
