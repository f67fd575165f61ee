//! The cell side, tested without a kernel. One file per module of `src`.
