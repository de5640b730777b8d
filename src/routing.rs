//! Who calls and what was dialled, to what should happen. Pure.
//! It must never look anything up outside the tables that it is given.
