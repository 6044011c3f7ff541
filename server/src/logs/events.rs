//! Server-sent events out of the bytes of an answer.

use spoor_storage::{Error, ErrorKind, Result};

/// One event with a longer text is no record: those are bounded by the largest request, which JSON makes longer.
const MAX_EVENT_BYTES: usize = 512 << 20;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name.
    pub(super) kind: String,
    /// Where to go on after it.
    pub(super) id: Option<String>,
    /// Its lines of data.
    pub(super) data: String,
}

/// Bytes that came, until they are events. A part of an event that is cut off is never one.
#[derive(Debug)]
pub(super) struct Events {
    /// Largest event.
    most: usize,
    bytes: Vec<u8>,
    /// Where the next event begins.
    from: usize,
    /// Before this place it does not end.
    searched: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self {
            most: MAX_EVENT_BYTES,
            bytes: Vec::new(),
            from: 0,
            searched: 0,
        }
    }
}

impl Events {
    /// Takes what came next. Errors if an event has no end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.bytes.drain(..self.from);
        self.searched -= self.from;
        self.from = 0;
        if self.bytes.len() + bytes.len() > self.most {
            let message = format!("an event of the tail is larger than {} bytes", self.most);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// Takes the next event out, if all of it has come. Comments, which only keep the connection open, are none.
    pub(super) fn take(&mut self) -> Option<Event> {
        loop {
            let rest = &self.bytes[self.searched..];
            let Some(at) = rest.windows(2).position(|two| two == b"\n\n") else {
                // Its end may have come by half.
                self.searched = self.from.max(self.bytes.len().saturating_sub(1));
                return None;
            };
            let end = self.searched + at + 2;
            let text = String::from_utf8_lossy(&self.bytes[self.from..end]);
            let event = event_of(&text);
            self.from = end;
            self.searched = end;
            if event.is_some() {
                return event;
            }
        }
    }
}

fn event_of(text: &str) -> Option<Event> {
    let mut event = Event {
        kind: String::new(),
        id: None,
        data: String::new(),
    };
    for line in text.lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "event" => value.clone_into(&mut event.kind),
            "id" => event.id = Some(value.to_owned()),
            "data" if event.data.is_empty() => value.clone_into(&mut event.data),
            "data" => {
                event.data.push('\n');
                event.data.push_str(value);
            }
            _ => {}
        }
    }
    (!event.kind.is_empty()).then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = ":\n\nevent: ready\nid: 7.1\ndata: {}\n\nevent: log\nid: 8.1\ndata: {\"body\": \"Größe: 3\"}\n\n:\n\n\
        event:mark\ndata:\n\nevent: log\nid: 9".as_bytes();

    fn expected() -> Vec<Event> {
        let event = |kind: &str, id: Option<&str>, data: &str| Event {
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
            data: data.to_owned(),
        };
        vec![
            event("ready", Some("7.1"), "{}"),
            event("log", Some("8.1"), "{\"body\": \"Größe: 3\"}"),
            event("mark", None, ""),
        ]
    }

    #[test]
    fn events_are_the_same_however_the_bytes_are_cut() {
        for size in 1..=STREAM.len() {
            let mut events = Events::default();
            let mut found = Vec::new();
            for part in STREAM.chunks(size) {
                events.push(part).unwrap();
                found.extend(std::iter::from_fn(|| events.take()));
            }
            assert_eq!(found, expected(), "{size}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_an_error_and_not_a_heap() {
        let mut events = Events {
            most: 1 << 20,
            ..Events::default()
        };
        let part = vec![b'x'; 1 << 16];
        let mut taken = 0;
        while events.push(&part).is_ok() {
            assert_eq!(events.take(), None);
            taken += part.len();
            assert!(taken <= events.most);
        }
    }
}
