//! Stories of journals: lives, deaths, damage and failing disks.
//! They must never sleep, nor look at anything but what a next process finds.

mod damage;
mod disks;
mod lives;
pub(super) mod scene;
