//! Seeded random streams: one seed, one purpose, one stream; the same bytes on every machine.
//!
//! ```
//! use rand::RngCore;
//! let mut a = widemargin::rng::stream(1, "init");
//! let mut b = widemargin::rng::stream(1, "shuffle");
//! assert_ne!(a.next_u64(), b.next_u64()); // purposes do not share numbers
//! ```
//! candle's CPU generator cannot be seeded, so nothing in this crate uses it.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The stream of `purpose` under `seed`. Streams of different purposes are independent.
pub fn stream(seed: u64, purpose: &str) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // FNV-1a keeps the stream number the same on every platform and Rust version.
    let number = purpose
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    rng.set_stream(number);
    rng
}
