//! TwiML: text to typed document to a pure cursor.
//! It must never fetch, speak or play: it says what should happen next.
