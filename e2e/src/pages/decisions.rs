//! One decision's page.

use crate::Browser;

#[derive(Clone, Copy, Debug)]
pub struct DecisionPage<'a>(pub(super) &'a Browser);

impl DecisionPage<'_> {
    pub async fn recompute_here(self) {
        self.0.click("#recompute").await;
        self.0.sees_in("#recompute-outcome", "checks hold").await;
    }
}
