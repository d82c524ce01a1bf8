#![doc = include_str!("../README.md")]

pub mod calendar;
pub mod explanation;
pub mod log;
pub mod onchain;
pub mod parameter;
pub mod proposal;
pub mod render;
