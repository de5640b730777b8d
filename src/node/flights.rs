//! What many want at the same time is done once: the first does it, the others wait for what comes of it.
//! It must never leave those who wait behind when the first one is gone, nor answer whoever comes later.

use std::sync::Arc;

use dashmap::DashMap;
use tokio::sync::OnceCell;

/// What is being done, by what names it.
#[derive(Debug)]
pub(super) struct Flights<T>(DashMap<String, Arc<OnceCell<T>>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(DashMap::new())
    }
}

impl<T: Clone> Flights<T> {
    /// Does this, or waits for whoever does the same already. If that one goes without a result, the next takes over.
    pub async fn join(&self, name: &str, work: impl Future<Output = T>) -> T {
        // Leaves last, when this one's hold on the result is gone.
        let _seat = Seat { flights: self, name };
        let result = Arc::clone(&self.0.entry(name.to_owned()).or_default());
        result.get_or_init(|| work).await.clone()
    }
}

/// One who works or waits. Whoever leaves with a result, or as the last one, takes the entry along.
struct Seat<'f, T> {
    flights: &'f Flights<T>,
    name: &'f str,
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        self.flights
            .0
            .remove_if(self.name, |_, result| result.initialized() || Arc::strong_count(result) == 1);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    /// Takes a second and tells how often that was done.
    async fn slowly(count: &Cell<u32>) -> u32 {
        count.set(count.get() + 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        count.get()
    }

    #[tokio::test(start_paused = true)]
    async fn what_two_want_at_once_is_done_once_and_anew_for_whoever_comes_later() {
        let (flights, count) = (Flights::default(), Cell::new(0));
        let join = |name: &'static str| flights.join(name, slowly(&count));
        assert_eq!(tokio::join!(join("a"), join("a")), (1, 1));
        assert_eq!(join("a").await, 2);
        assert_eq!(tokio::join!(join("a"), join("b")), (4, 4), "other things are done beside it");
        assert!(flights.0.is_empty(), "nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn if_the_first_one_goes_the_next_takes_over() {
        let (flights, count) = (Flights::default(), Cell::new(0));
        let join = || flights.join("a", slowly(&count));
        let impatient = tokio::time::timeout(Duration::from_millis(500), join());
        let (gone, second, third) = tokio::join!(impatient, join(), join());
        assert_eq!((gone.is_err(), second, third), (true, 2, 2));
        assert!(tokio::time::timeout(Duration::from_millis(500), join()).await.is_err());
        assert!(flights.0.is_empty(), "nothing is kept");
    }
}
