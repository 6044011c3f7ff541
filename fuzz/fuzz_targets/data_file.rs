#![no_main]

use std::sync::Once;

static QUIET: Once = Once::new();

// Parquet's decoders may panic on wrong bytes, and the reader catches that. libFuzzer's hook would
// end the process before it could: what counts here is a panic that gets past the reader, a hang,
// and memory.
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    spoor_storage::fuzz::data_file(bytes);
});
