//! The chain side: a node to read from, the follower that records what is canonical, the executor that submits.

pub mod executor;
pub mod follower;
pub mod node;
pub mod signature;

pub use node::{Node, NodeError};
