//! Refuses a second copy of this library in one process.
//!
//! Plain evcxr links dependencies statically into every cell, so candle's tensor counter exists once per cell and two
//! tensors of different cells can share an id: a gradient across cells is then silently wrong (`[4, 7]` for `[1, 2]`).
//! Every entry that creates parameters or trains calls [`one_copy`]; the address of a static tells copies apart.

use crate::error::{Error, Result};
use std::sync::OnceLock;

const VARIABLE: &str = "WIDEMARGIN_COPY";
static HERE: u8 = 0;
static FIRST: OnceLock<bool> = OnceLock::new();

/// `Ok` for the first copy of the library that asks in this process, [`Error::SecondCopy`] for any other.
pub fn one_copy() -> Result<()> {
    let first = FIRST.get_or_init(|| {
        let me = format!("{}:{:p}", std::process::id(), &HERE);
        let prefix = format!("{}:", std::process::id());
        match std::env::var(VARIABLE) {
            Ok(other) if other.starts_with(&prefix) => other == me,
            _ => {
                // SAFETY: the first call of the process; the environment is the one store that copies share.
                unsafe { std::env::set_var(VARIABLE, me) };
                true
            }
        }
    });
    if *first { Ok(()) } else { Err(Error::SecondCopy) }
}
