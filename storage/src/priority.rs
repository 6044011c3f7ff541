//! Which threads give way to which when there are more than processors.
//!
//! Unix niceness: 0 is that of the threads that take requests in. One step is about a quarter of a
//! processor's time, so that whoever gives way still goes on.

/// Threads that answer queries.
pub const QUERIES: i32 = 5;
/// Threads that merge files.
pub(crate) const MERGES: i32 = 10;

/// Makes the calling thread give way. Where that cannot be (on Linux it is of the thread, elsewhere of the
/// process), it merely does not.
pub fn give_way(niceness: i32) {
    if !cfg!(target_os = "linux") {
        return;
    }
    if let Err(error) = rustix::process::setpriority_process(None, niceness) {
        tracing::debug!(%error, "a thread runs with normal priority");
    }
}
