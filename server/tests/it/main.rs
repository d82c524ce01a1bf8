//! The bridge with a real node, a real database and real HTTP. Each test has a chain of its own, a year into the
//! story of the demo collective; [`world`] says how it comes so cheaply.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agents;
mod api;
mod command;
mod contract_agents;
mod decisions;
mod engine;
mod executor;
mod faults;
mod follower;
mod log;
mod log_search;
mod postgres;
mod proxy;
mod replicas;
mod signing_in;
mod world;
