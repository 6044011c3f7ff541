#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    spoor_storage::fuzz::log(bytes);
});
