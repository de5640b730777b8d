use super::*;

const PLAN: &str = r#"
[[route]]
pattern = "*"
name = "anything"
script = "sorry.xml"

[[route]]
pattern = "9XX"
script = "nine.xml"

[[route]]
pattern = "91*"
script = "ninety-one.xml"

[[route]]
number = "911"
name = "emergency"
endpoint = "desk"
description = "the front desk"

[[route]]
pattern = "+49*"
script = "germany.xml"

[[route]]
number = "100"
script = "echo.xml"
public = true
"#;

fn plan(toml: &str) -> Routes {
    Routes::parse(toml).expect("a valid plan")
}

fn alice() -> Caller {
    Caller { user: Some("alice".into()) }
}

fn is_user(name: &str) -> bool {
    matches!(name, "alice" | "bob" | "100")
}

fn script(path: &str) -> Target {
    Target::Script(path.into())
}

#[test]
fn the_most_specific_route_decides_whatever_the_files_order() {
    let routes = plan(PLAN);
    for (dialled, target, reason) in [
        ("911", Target::Endpoint("desk".into()), "route emergency (911)"),
        ("912", script("nine.xml"), "route 9XX (9XX)"),
        ("9123", script("ninety-one.xml"), "route 91* (91*)"),
        ("91", script("ninety-one.xml"), "route 91* (91*)"),
        ("92", script("sorry.xml"), "route anything (*)"),
        ("+4930123", script("germany.xml"), "route +49* (+49*)"),
        ("100", script("echo.xml"), "route 100 (100)"),
        ("alice", script("sorry.xml"), "route anything (*)"),
    ] {
        let decision = routes.decide(&alice(), dialled, is_user);
        assert_eq!(decision, Decision { target, reason: reason.into(), status_callback: None }, "{dialled}");
    }
}

#[test]
fn a_pattern_matches_whole_numbers_and_its_letters_stand_for_digits() {
    for (pattern, dialled, matches) in [
        ("9XX", "900", true),
        ("9XX", "90", false),
        ("9XX", "9000", false),
        ("9XX", "9a0", false),
        ("NXX", "100", false),
        ("ZXX", "100", true),
        ("ZXX", "000", false),
        ("+49*", "+49", true),
        ("+49*", "49", false),
        ("X*", "٣", false),
    ] {
        assert_eq!(Pattern::read(pattern).expect(pattern).matches(dialled), matches, "{pattern} {dialled}");
    }
    assert!(Pattern::Number("*98".into()).matches("*98"), "a number is taken as it is");
}

#[test]
fn a_user_is_dialled_by_name_where_no_route_says_otherwise() {
    let routes = plan("[[route]]\nnumber = \"100\"\nscript = \"echo.xml\"");
    let target = |dialled| routes.decide(&alice(), dialled, is_user).target;
    assert_eq!(target("bob"), Target::Endpoint("bob".into()));
    assert_eq!(target("100"), script("echo.xml"), "the route comes before the user of that name");
    assert_eq!(target("mallory"), Target::Unknown);
    assert_eq!(target("mallory").refusal(), Some(404));
}

#[test]
fn a_stranger_reaches_public_routes_only_and_cannot_tell_what_else_there_is() {
    let routes = plan(PLAN);
    let decide = |dialled| routes.decide(&Caller::default(), dialled, is_user);
    assert_eq!(decide("100").target, script("echo.xml"));
    let refused: Vec<_> = ["911", "alice", "nobody", "+49301", ""].into_iter().map(decide).collect();
    assert!(refused.iter().all(|decision| decision.target == Target::Forbidden && *decision == refused[0]));
    assert_eq!(refused[0].target.refusal(), Some(403));
}

#[test]
fn without_routes_nobody_gets_anywhere_but_users_to_users() {
    let none = plan("");
    assert_eq!(none.decide(&Caller::default(), "bob", is_user).target, Target::Forbidden);
    assert_eq!(none.decide(&alice(), "100", |_| false).target, Target::Unknown);
    assert_eq!(none.decide(&alice(), "bob", is_user).target, Target::Endpoint("bob".into()));
}

#[test]
fn a_plan_that_could_mean_two_things_is_refused_with_the_line() {
    let route = |rest: &str| format!("# plan\n\n[[route]]\n{rest}\n");
    for (plan, line, message) in [
        ("number = 100".into(), 1, "unknown key `number`"),
        ("[[rout]]".into(), 1, "unknown key `rout`, did you mean `route`?"),
        ("[route]\nnumber = \"1\"".into(), 1, "each route begins with [[route]]"),
        (route("number = \"1\"\nscirpt = \"a\""), 5, "unknown key `scirpt`, did you mean `script`?"),
        (route("number = 1\nscript = \"a.xml\""), 4, "number is a text in quotes"),
        (route("number = \"1\"\nscript = \"a.xml\"\npublic = 1"), 6, "public is true or false"),
        (
            route("number = \"1\"\nwebhook = \"http://a/\"\nmethod = \"PUT\""),
            6,
            "method is \"GET\" or \"POST\"",
        ),
        (route("script = \"a.xml\""), 3, "either a number or a pattern"),
        (route("number = \"1\"\npattern = \"2\"\nscript = \"a\""), 3, "either a number or a pattern"),
        (route("number = \"\"\nscript = \"a\""), 3, "number is empty"),
        (route("pattern = \"1*2\"\nscript = \"a\""), 3, "a pattern is made of"),
        (route("pattern = \"\"\nscript = \"a\""), 3, "a pattern is made of"),
        (route("number = \"1\""), 3, "leads to one of: a script, a webhook, an endpoint"),
        (
            route("number = \"1\"\nscript = \"a\"\nendpoint = \"b\""),
            3,
            "leads to one of: a script, a webhook, an endpoint",
        ),
        (route("number = \"1\"\nscript = \"a\"\ngateway = true"), 3, "leads to one of"),
        (route("pattern = \"+*\"\ngateway = true\npublic = true"), 3, "never public"),
        (route("number = \"1\"\nendpoint = \"\""), 3, "endpoint is empty"),
        (route("number = \"1\"\nwebhook = \"app/voice\""), 3, "a URL of http or https"),
        (route("number = \"1\"\nwebhook = \"ftp://app/\""), 3, "a URL of http or https"),
        (route("number = \"1\"\nscript = \"a\"\nfallback = \"b\""), 3, "belong to a webhook"),
        (route("number = \"1\"\nwebhook = \"http://a/\"\nfallback = \"../b\""), 3, "fallback is a URL"),
        (
            route("number = \"1\"\nwebhook = \"http://a/\"\nfallback_method = \"GET\""),
            3,
            "belongs to a fallback",
        ),
        (route("number = \"1\"\nscript = \"a\"\nstatus_callback = \"b\""), 3, "status_callback is a URL"),
        (
            route("number = \"1\"\nscript = \"a\"\nstatus_callback_method = \"GET\""),
            3,
            "belongs to a status_callback",
        ),
        (route("number = \"1\"\nscript = \"../../etc/passwd\""), 3, "inside the dialplan's folder"),
        (route("number = \"1\"\nscript = \"/etc/passwd\""), 3, "inside the dialplan's folder"),
        (route("number = \"1\"\nscript = \"\""), 3, "inside the dialplan's folder"),
        (format!("{0}{0}", route("number = \"1\"\nscript = \"a\"")), 8, "1 has a route already"),
        (route("number = \"1\nscript = \"a\""), 4, ""),
    ] {
        let error = Routes::parse(&plan).expect_err(&plan).0.remove(0);
        assert_eq!(error.line, line, "{plan}: {error}");
        assert!(error.message.contains(message), "{plan}: {error}");
    }
}

#[test]
fn every_fault_of_a_plan_is_told_at_once_and_in_its_order() {
    let plan = "[[route]]\nnumber = \"1\"\nscirpt = \"a\"\nscript = \"a\"\n[[route]]\nnumber = 5\nendpoint = \"b\"\n\
                [[route]]\nnumber = \"2\"\n[[route]]\nnumber = \"3\"\nendpoint = \"c\"\n[[route]]\nnumber = \"3\"\n\
                endpoint = \"d\"\n";
    let told = Routes::parse(plan).expect_err("five routes, four faults");
    let lines: Vec<usize> = told.0.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [3, 6, 8, 13], "{told}");
    assert_eq!(told.to_string().lines().count(), 4);
}

#[test]
fn what_leads_outside_takes_the_number_that_was_dialled_and_no_stranger() {
    let routes = plan("[[route]]\npattern = \"+1*\"\ngateway = true");
    let decide = |caller: &Caller| routes.decide(caller, "+15551234", is_user).target;
    assert_eq!(decide(&alice()), Target::Outside("+15551234".into()));
    assert_eq!(decide(&Caller { user: None }), Target::Forbidden);
}

#[test]
fn a_plan_can_be_shown_to_people() {
    let routes = plan(PLAN);
    let desk = routes.list().next().expect("numbers come first");
    let expected = Listed {
        number: "911",
        name: "emergency",
        description: "the front desk",
        target: &Target::Endpoint("desk".into()),
        public: false,
        status_callback: None,
    };
    let numbers: Vec<_> = routes.list().map(|route| route.number).collect();
    assert_eq!((desk, numbers), (expected, vec!["911", "100", "+49*", "9XX", "91*", "*"]));
}
