//! The CUDA kernels, in steps that each need more: their text, the host's C++ compiler, NVRTC, a card.
//!
//! A step whose tool is not there prints why it skips; `REQUIRE_CUDA=1` makes every skip a failure. What needs a card is
//! `device.rs`; `device.sh` runs it all on a machine without Rust.

#[cfg(feature = "candle-cuda")]
mod card;
mod compile;
mod conformance;
mod course;
mod device;
mod host;
mod in_place;
mod layers;
mod mutation;
mod step;
mod table;

/// Prints why a test is not run, or fails if nothing may be skipped.
fn skip(why: &str) {
    assert!(
        std::env::var_os("REQUIRE_CUDA").is_none_or(|v| v.is_empty() || v == "0"),
        "REQUIRE_CUDA is set, but {why}"
    );
    println!("skipped: {why}");
}

/// The same for the part of a test that runs on candle's card, which builds without `candle-cuda` never have.
fn skip_on_card(why: &str) {
    if cfg!(feature = "candle-cuda") {
        skip(why);
    }
}
