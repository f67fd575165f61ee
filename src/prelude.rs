//! The names a notebook gets.
