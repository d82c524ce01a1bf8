//! The devnet's clock at the foot of every page.

use crate::Browser;

#[derive(Clone, Copy, Debug)]
pub struct Clock<'a>(pub(super) &'a Browser);

impl Clock<'_> {
    pub async fn skip_hour(self) {
        self.turn("#skip-hour").await;
    }

    pub async fn skip_day(self) {
        self.turn("#skip-day").await;
    }

    async fn turn(self, button: &str) {
        self.0.click(button).await;
        self.0.sees_in("#clock-told", "forward").await;
    }
}
