//! XML to a small tree with positions, within hard bounds.
//! Must never know a verb, resolve an entity that the document declares, or recurse over untrusted depth.
