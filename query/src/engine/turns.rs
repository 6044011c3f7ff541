//! Whose turn it is: so many queries run, some wait, and the next turn is fair.
//!
//! ```text
//!  client ─► kinds in turn ─► oldest first      the client with the fewest running queries is next,
//!  client ─► kinds in turn ─► oldest first      of several the one that had no turn for longest
//! ```
//! So a client that asks for much at once waits for itself. Of one client, kinds of queries take turns:
//! a page is not kept waiting by its charts. When no more may wait, a client that has fewer waiting than another takes
//! the place of the other's newest.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Who asks, and for what kind of thing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Whose {
    pub(crate) client: Arc<str>,
    pub(crate) kind: Arc<str>,
}

/// Places for queries, shared.
#[derive(Debug)]
pub(crate) struct Turns {
    state: Mutex<State>,
    most_waiting: usize,
}

/// The right to run, until dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    client: Arc<str>,
}

/// No more may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Debug, Default)]
struct State {
    free: usize,
    /// Of clients that have some.
    running: HashMap<Arc<str>, usize>,
    /// The first had no turn for longest.
    clients: VecDeque<Client>,
    waiting: usize,
    next_ticket: u64,
}

#[derive(Debug)]
struct Client {
    name: Arc<str>,
    /// As clients; none is empty.
    kinds: VecDeque<(Arc<str>, VecDeque<Ticket>)>,
}

#[derive(Debug)]
struct Ticket {
    number: u64,
    answer: oneshot::Sender<Turn>,
}

// === impl Turns ===

impl Turns {
    /// At most `running` at a time.
    pub(crate) fn new(running: usize, most_waiting: usize) -> Arc<Self> {
        let state = State {
            free: running.max(1),
            ..State::default()
        };
        Arc::new(Self {
            state: Mutex::new(state),
            most_waiting,
        })
    }

    /// A turn, if one can be had at once.
    #[cfg(test)]
    pub(crate) fn try_take(self: &Arc<Self>, whose: &Whose) -> Option<Turn> {
        let mut state = self.state.lock();
        if state.free == 0 {
            return None;
        }
        state.free -= 1;
        Some(self.turn_of(&mut state, &whose.client))
    }

    /// Waits for a turn; who gives up waiting leaves nothing behind. Errors if too many wait, also
    /// when a client that waits for less takes this place.
    pub(crate) async fn take(self: &Arc<Self>, whose: &Whose) -> Result<Turn, Full> {
        let (number, answer) = {
            let mut state = self.state.lock();
            if state.free > 0 {
                state.free -= 1;
                return Ok(self.turn_of(&mut state, &whose.client));
            }
            if state.waiting >= self.most_waiting && !state.make_room_for(&whose.client) {
                return Err(Full);
            }
            state.enqueue(whose)
        };
        let mut place = Place {
            turns: self,
            number,
            answer,
        };
        (&mut place.answer).await.map_err(|_| Full)
    }

    /// Queries that wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.state.lock().waiting
    }

    fn turn_of(self: &Arc<Self>, state: &mut State, client: &Arc<str>) -> Turn {
        *state.running.entry(Arc::clone(client)).or_default() += 1;
        Turn {
            turns: Arc::clone(self),
            client: Arc::clone(client),
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut state = self.turns.state.lock();
            state.ended(&self.client);
            match state.dequeue() {
                None => {
                    state.free += 1;
                    return;
                }
                Some((client, ticket)) => {
                    let turn = self.turns.turn_of(&mut state, &client);
                    (ticket, turn)
                }
            }
        };
        let (ticket, turn) = next;
        // One who has gone away meanwhile gives it back, and it goes on to the next.
        drop(ticket.answer.send(turn));
    }
}

/// A place in the queue, given up when dropped.
struct Place<'a> {
    turns: &'a Turns,
    number: u64,
    answer: oneshot::Receiver<Turn>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.turns.state.lock().remove(self.number);
    }
}

// === impl State ===

impl State {
    fn enqueue(&mut self, whose: &Whose) -> (u64, oneshot::Receiver<Turn>) {
        let (answer, receiver) = oneshot::channel();
        let number = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        let ticket = Ticket { number, answer };
        let found = self.clients.iter().position(|one| one.name == whose.client);
        let at = found.unwrap_or(self.clients.len());
        if found.is_none() {
            self.clients.push_back(Client {
                name: Arc::clone(&whose.client),
                kinds: VecDeque::new(),
            });
        }
        if let Some(client) = self.clients.get_mut(at) {
            let mut kinds = client.kinds.iter_mut();
            if let Some((_, tickets)) = kinds.find(|(kind, _)| *kind == whose.kind) {
                tickets.push_back(ticket);
            } else {
                let kind = Arc::clone(&whose.kind);
                client.kinds.push_back((kind, VecDeque::from([ticket])));
            }
        }
        (number, receiver)
    }

    /// Who is next, taken out of the queue.
    fn dequeue(&mut self) -> Option<(Arc<str>, Ticket)> {
        let running = |client: &Client| self.running.get(&client.name).copied().unwrap_or(0);
        // The first of those with the fewest.
        let (at, _) = self
            .clients
            .iter()
            .enumerate()
            .min_by_key(|(_, one)| running(one))?;
        let mut client = self.clients.remove(at)?;
        let (kind, mut tickets) = client.kinds.pop_front()?;
        let ticket = tickets.pop_front()?;
        self.waiting -= 1;
        if !tickets.is_empty() {
            client.kinds.push_back((kind, tickets));
        }
        let name = Arc::clone(&client.name);
        if !client.kinds.is_empty() {
            self.clients.push_back(client);
        }
        Some((name, ticket))
    }

    fn remove(&mut self, number: u64) {
        let before = self.waiting;
        for client in &mut self.clients {
            for (_, tickets) in &mut client.kinds {
                if let Some(at) = tickets.iter().position(|ticket| ticket.number == number) {
                    tickets.remove(at);
                    self.waiting -= 1;
                }
            }
        }
        if self.waiting < before {
            self.drop_empty();
        }
    }

    fn drop_empty(&mut self) {
        for client in &mut self.clients {
            client.kinds.retain(|(_, tickets)| !tickets.is_empty());
        }
        self.clients.retain(|client| !client.kinds.is_empty());
    }

    /// Turns the newest of the client away that has the most waiting, if it has at least two more than
    /// `newcomer`. Whether it did.
    fn make_room_for(&mut self, newcomer: &str) -> bool {
        let own = self.clients.iter().find(|client| *client.name == *newcomer);
        let own = own.map_or(0, Client::waiting);
        let most = self.clients.iter().max_by_key(|client| client.waiting());
        let Some(most) = most.filter(|client| client.waiting() >= own + 2) else {
            return false;
        };
        let tickets = most.kinds.iter().flat_map(|(_, tickets)| tickets);
        let Some(newest) = tickets.map(|ticket| ticket.number).max() else {
            return false;
        };
        // Its sender is dropped, which says it.
        self.remove(newest);
        true
    }

    fn ended(&mut self, client: &Arc<str>) {
        if let Some(running) = self.running.get_mut(client) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(client);
            }
        }
    }
}

impl Client {
    fn waiting(&self) -> usize {
        self.kinds.iter().map(|(_, tickets)| tickets.len()).sum()
    }
}

#[cfg(test)]
mod tests;
