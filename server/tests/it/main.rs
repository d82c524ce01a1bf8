//! The bridge with a real node, a real database and real HTTP. Each test has a chain of its own, a year into the
//! story of the demo collective; [`world`] says how it comes so cheaply.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod agents;
mod anchors;
mod api;
mod audit;
mod command;
mod contract_agents;
mod damage;
mod decisions;
mod engine;
mod executor;
mod faults;
mod follower;
mod keys;
mod killed;
mod log;
mod log_search;
mod mirror;
mod postgres;
mod proxy;
mod replicas;
mod signing_in;
mod standing;
mod witnesses;
mod world;
