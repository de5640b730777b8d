//! A look at a message that nobody has parsed yet: enough to tell whose it is.
//! It must never be trusted beyond that: what is decided is decided on the parsed message.

/// The Call-ID, found without reading the rest. A message that hides it well enough to be missed here is nobody's.
pub fn call_id_of(message: &[u8]) -> Option<&str> {
    for line in message.split(|byte| *byte == b'\n').skip(1) {
        if matches!(line, [] | [b'\r']) {
            return None;
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at_checked(colon)?;
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i") {
            return std::str::from_utf8(value.get(1..)?.trim_ascii()).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::call_id_of;

    #[test]
    fn a_call_id_is_found_in_either_form_and_only_in_the_head() {
        let invite = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n";
        for (rest, found) in [
            ("Call-ID: one@host\r\n\r\n", Some("one@host")),
            ("CALL-ID :\t two \r\n\r\n", Some("two")),
            ("i:three\r\n\r\n", Some("three")),
            ("To: x\r\n\r\nCall-ID: body\r\n", None),
            ("", None),
        ] {
            assert_eq!(call_id_of(format!("{invite}{rest}").as_bytes()), found, "{rest:?}");
        }
        assert_eq!(call_id_of(b"\xff\xfe"), None);
    }
}
