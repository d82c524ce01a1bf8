//! The chain side: a node to read from, the follower that records what is canonical, the executor and the anchorer that
//! submit.

pub mod anchorer;
pub mod executor;
pub mod follower;
pub mod node;
pub mod signature;
pub mod submit;

pub use node::{Node, NodeError};
