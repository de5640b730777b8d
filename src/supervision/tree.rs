//! The tree of actors as data, for the census and for people.
//! Must never keep an address: it is a picture of one moment.
