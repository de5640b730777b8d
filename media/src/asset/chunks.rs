//! Files made of chunks: RIFF and IFF differ in the order of their octets alone.
//! Must never trust a length that the file states beyond the bytes that are there.

use super::pcm::Order;

/// The chunks of a body: name and content.
pub(super) struct Chunks<'a> {
    rest: &'a [u8],
    order: Order,
}

impl<'a> Chunks<'a> {
    /// The chunks behind a header of twelve octets.
    pub(super) fn of(file: &'a [u8], order: Order) -> Self {
        Chunks { rest: file.get(12..).unwrap_or_default(), order }
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (head, body) = self.rest.split_at_checked(8)?;
        let (name, length) = head.split_at(4);
        let length = long(length, 0, self.order)? as usize;
        // Chunks are padded to an even length.
        let padded = length.saturating_add(length % 2);
        self.rest = body.get(padded..).unwrap_or_default();
        Some((name, body.get(..length).unwrap_or(body)))
    }
}

/// The two octets at this place.
pub(super) fn short(chunk: &[u8], at: usize, order: Order) -> Option<u16> {
    let octets = *chunk.get(at..)?.first_chunk()?;
    Some(match order {
        Order::Little => u16::from_le_bytes(octets),
        Order::Big => u16::from_be_bytes(octets),
    })
}

/// The four octets at this place.
pub(super) fn long(chunk: &[u8], at: usize, order: Order) -> Option<u32> {
    let octets = *chunk.get(at..)?.first_chunk()?;
    Some(match order {
        Order::Little => u32::from_le_bytes(octets),
        Order::Big => u32::from_be_bytes(octets),
    })
}
