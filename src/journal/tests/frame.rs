//! The format byte by byte. It must never change for format 1.

use super::*;

fn batch(value: &[u8]) -> Entry<'static> {
    let put = Change::Put { key: "leg/1".into(), version: 3, value: value.to_vec() };
    Entry::Batch(Batch {
        stamp: Stamp::default(),
        changes: vec![put, Change::Gone { key: "leg/0".into() }].into(),
    })
}

fn read(bytes: &[u8]) -> Result<(u64, Entry<'static>), Damage> {
    let (header, body) = bytes.split_first_chunk::<HEADER>().ok_or(Damage::Torn)?;
    let header = Header::read(header)?;
    Ok((header.sequence, header.open(body.get(..header.length as usize).ok_or(Damage::Torn)?)?))
}

#[test]
fn a_frame_says_what_was_put_in_and_its_buffer_is_used_again() {
    let mut buffer = Vec::new();
    encode(&mut buffer, 7, &batch(&[1; 3000])).expect("short");
    assert_eq!(read(&buffer), Ok((7, batch(&[1; 3000]))));
    assert!(buffer.len() < 3000 + 200, "{} bytes: values are byte strings, not lists", buffer.len());
    encode(&mut buffer, 8, &batch(b"x")).expect("short");
    assert_eq!(read(&buffer), Ok((8, batch(b"x"))));
}

#[test]
fn every_flipped_bit_is_found_and_every_cut_too() {
    let mut buffer = Vec::new();
    encode(&mut buffer, 7, &batch(b"value")).expect("short");
    for bit in 0..buffer.len() * 8 {
        let mut flipped = buffer.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let found = read(&flipped).expect_err("damage");
        assert!(matches!(found, Damage::Header | Damage::Checksum), "bit {bit}: {found}");
    }
    for length in 0..buffer.len() {
        assert_eq!(read(&buffer[..length]), Err(Damage::Torn));
    }
}

#[test]
fn a_later_format_is_told_from_a_flipped_version() {
    let mut buffer = Vec::new();
    encode(&mut buffer, 7, &batch(b"value")).expect("short");
    buffer[3] = 2;
    assert_eq!(read(&buffer), Err(Damage::Header));
    let sum = crc32fast::hash(&buffer[..SUMMED]).to_le_bytes();
    buffer[SUMMED..HEADER].copy_from_slice(&sum);
    assert_eq!(read(&buffer), Err(Damage::Newer { found: 2 }));
}

#[test]
fn unknown_fields_of_a_later_minor_release_are_ignored() {
    use ciborium::value::Value;
    let text = |text: &str| Value::Text(text.to_owned());
    let mut body = Vec::new();
    ciborium::into_writer(&batch(b"value"), &mut body).expect("memory");
    let mut value: Value = ciborium::from_reader(body.as_slice()).expect("CBOR");
    let Value::Map(entry) = &mut value else { panic!("an entry is a map") };
    let Value::Map(fields) = &mut entry[0].1 else { panic!("a batch is a map") };
    fields.insert(0, (text("colour"), text("blue")));
    let Value::Array(changes) = &mut fields[2].1 else { panic!("changes are a list") };
    let Value::Map(change) = &mut changes[0] else { panic!("a change is a map") };
    let Value::Map(put) = &mut change[0].1 else { panic!("a put is a map") };
    put.push((text("weight"), Value::Integer(5.into())));
    let mut later = Vec::new();
    ciborium::into_writer(&value, &mut later).expect("memory");
    let header = Header { length: later.len() as u32, sequence: 1, sum: crc32fast::hash(&later) };
    assert_eq!(header.open(&later), Ok(batch(b"value")));
}

#[test]
fn a_body_that_makes_no_sense_is_damage_and_costs_no_memory() {
    for body in [
        &b""[..],
        b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x5b\x7f\xff\xff\xff\xff\xff\xff\xff",
        &[0x81; 9999],
    ] {
        let header = Header { length: body.len() as u32, sequence: 1, sum: crc32fast::hash(body) };
        assert!(matches!(header.open(body), Err(Damage::Content(_))), "{body:02x?}");
    }
}

#[test]
fn a_boot_is_read_as_the_kernel_writes_it() {
    let boot: crate::journal::BootId = "0f2e5a66-7d1c-4b8a-9e43-2b1d5c7f9a01\n".parse().expect("a boot");
    assert_eq!(boot.to_string(), "0f2e5a667d1c4b8a9e432b1d5c7f9a01");
    for wrong in ["", "0f2e", "zf2e5a66-7d1c-4b8a-9e43-2b1d5c7f9a01", "+f2e5a66-7d1c-4b8a-9e43-2b1d5c7f9a01"]
    {
        assert!(wrong.parse::<crate::journal::BootId>().is_err(), "{wrong}");
    }
}
