//! The build itself: without unwinding there is nothing to catch.
//! Must never be relaxed: it fails when a profile turns unwinding off.

#[test]
fn panics_unwind_in_every_profile() {
    const { assert!(cfg!(panic = "unwind"), "this build aborts on a panic") };
    let manifest: toml::Table = include_str!("../../../Cargo.toml").parse().expect("the manifest is TOML");
    let profiles =
        manifest.get("profile").and_then(toml::Value::as_table).expect("the profiles are explicit");
    for needed in ["dev", "release"] {
        let panic = profiles.get(needed).and_then(|profile| profile.get("panic"));
        assert_eq!(panic.and_then(toml::Value::as_str), Some("unwind"), "profile {needed}");
    }
    for (name, profile) in profiles {
        let panic = profile.get("panic").and_then(toml::Value::as_str);
        assert!(panic.is_none_or(|strategy| strategy == "unwind"), "profile {name} says {panic:?}");
    }
}
