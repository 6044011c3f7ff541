//! Writes the protobuf wire format: the little of it that turning JSON into OTLP needs.
//!
//! Scalars with their default value are left out, as proto3 does, but for the members of a
//! `oneof`, whose presence means something: those are written with the `_always` functions.

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(low & 0x7f);
            return;
        }
        out.push(low | 0x80);
    }
}

fn push_key(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    push_varint(out, u64::from(number << 3 | wire_type));
}

pub(crate) fn varint_always(out: &mut Vec<u8>, number: u32, value: u64) {
    push_key(out, number, VARINT);
    push_varint(out, value);
}

pub(crate) fn varint(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        varint_always(out, number, value);
    }
}

/// An `int32` or enum field: negative numbers are sign-extended to 64 bits.
pub(crate) fn int32(out: &mut Vec<u8>, number: u32, value: i32) {
    varint(out, number, i64::from(value).cast_unsigned());
}

pub(crate) fn fixed64_always(out: &mut Vec<u8>, number: u32, value: u64) {
    push_key(out, number, FIXED64);
    out.extend_from_slice(&value.to_le_bytes());
}

pub(crate) fn fixed64(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        fixed64_always(out, number, value);
    }
}

pub(crate) fn fixed32(out: &mut Vec<u8>, number: u32, value: u32) {
    if value != 0 {
        push_key(out, number, FIXED32);
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A `string`, `bytes` or message field, also if it is empty.
pub(crate) fn bytes_always(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    push_key(out, number, BYTES);
    push_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A `string` or `bytes` field.
pub(crate) fn bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    if !value.is_empty() {
        bytes_always(out, number, value);
    }
}

/// A message field whose content `write` appends.
pub(crate) fn message(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>)) {
    push_key(out, number, BYTES);
    let start = out.len();
    write(out);
    let length = out.len() - start;
    let mut prefix = Vec::with_capacity(10);
    push_varint(&mut prefix, length as u64);
    out.splice(start..start, prefix);
}
