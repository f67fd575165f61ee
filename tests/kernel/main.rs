//! The session under real evcxr.
