//! Calls that leave the house by the gateway.
//! It must never reach a carrier: sipp plays one.

use crate::harness::{Options, Ports, Switch};

/// A switch with a gateway on this port of the machine.
fn with_gateway(port: u16, password: &str) -> Switch {
    let more = format!(
        "[gateway]\naddress = \"127.0.0.1:{port}\"\nuser = \"us\"\npassword = \"{password}\"\n\
         caller_ids = [\"+4930111\"]\n"
    );
    Switch::with(&Options { more, ..Options::default() })
}

#[test]
fn a_number_outside_is_reached_with_the_login_and_a_number_of_ours() {
    let mut ports = Ports::lease(4);
    let port = ports.one();
    let switch = with_gateway(port, "secret");
    let carrier = switch.telephone("carrier").at(port).with("shown", "[+]4930111");
    let answered = carrier.waits("carrier");
    switch.telephone("alice").dials("caller", "206").succeeds();
    answered.succeeds();
    switch.finish();
}

#[test]
fn a_telephone_dials_outside_where_a_route_lets_it() {
    let mut ports = Ports::lease(4);
    let port = ports.one();
    let switch = with_gateway(port, "secret");
    let carrier = switch.telephone("carrier").at(port).with("shown", "[+]4930111");
    let answered = carrier.waits("carrier");
    switch.telephone("alice").dials("caller", "+15551234").succeeds();
    answered.succeeds();
    switch.telephone("alice").with("status", "404").dials("caller-refused", "+4930222").succeeds();
    switch.finish();
}

#[test]
fn a_login_that_the_gateway_refuses_ends_the_dial_and_not_the_switch() {
    let mut ports = Ports::lease(4);
    let port = ports.one();
    let switch = with_gateway(port, "wrong");
    let carrier = switch.telephone("carrier").at(port).with("shown", "[+]4930111");
    let refusing = carrier.waits("carrier");
    switch.telephone("alice").with("status", "403").dials("caller-refused", "206").succeeds();
    drop(refusing);
    switch.finish();
}
