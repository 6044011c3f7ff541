//! Counts what a thread asks the allocator for at once: the largest single request.

#![expect(unsafe_code, reason = "an allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

struct Metered;

#[global_allocator]
static ALLOCATOR: Metered = Metered;

fn note(bytes: usize) {
    // A thread that is ending has no cell any more.
    let noted = LARGEST.try_with(|largest| largest.set(largest.get().max(bytes)));
    noted.unwrap_or(());
}

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as for the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as for the caller.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as for the caller.
        unsafe { System.dealloc(place, layout) }
    }
}

/// The largest number of bytes that this thread asks for at once while `work` runs, and what comes of
/// it.
pub(super) fn largest_request<T>(work: impl FnOnce() -> T) -> (usize, T) {
    LARGEST.set(0);
    let result = work();
    (LARGEST.get(), result)
}

#[test]
fn a_large_request_is_noticed() {
    let (largest, made) = largest_request(|| vec![1_u8; 3 << 20].len());
    assert_eq!(largest, made);
    let (largest, _) = largest_request(|| vec![0_u8; 5 << 20].len());
    assert_eq!(largest, 5 << 20);
}
