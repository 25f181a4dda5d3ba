#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    takings_fuzz::pages(bytes);
});
