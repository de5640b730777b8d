//! sipp scenarios from templates: `{{part key=value}}` stands for a file of `sipp/parts`, `{{key}}` for a value.
//! It must never leave a placeholder open.

use std::path::Path;

/// The scenario `name` with everything put in.
pub fn scenario(name: &str, values: &[(String, String)]) -> String {
    let text = expand(&read(&format!("{name}.xml")).unwrap_or_else(|| panic!("no scenario {name}")), values);
    assert!(!text.contains("{{"), "scenario {name} has an open placeholder");
    text
}

fn read(file: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/e2e/sipp");
    std::fs::read_to_string(folder.join(file)).ok()
}

fn expand(text: &str, values: &[(String, String)]) -> String {
    text.lines().filter_map(|line| expand_line(line, values)).map(|line| line + "\n").collect()
}

/// None for a line that was nothing but a placeholder without a value: an empty line would end a header.
fn expand_line(line: &str, values: &[(String, String)]) -> Option<String> {
    let Some((before, rest)) = line.split_once("{{") else { return Some(line.to_owned()) };
    let (inside, after) = rest.split_once("}}").unwrap_or_else(|| panic!("unclosed placeholder: {line}"));
    let mut words = inside.split_whitespace();
    let name = words.next().unwrap_or_default();
    let value = match values.iter().find(|(key, _)| key == name) {
        Some((_, value)) => value.clone(),
        None => {
            let part = read(&format!("parts/{name}.xml")).or_else(|| read(&format!("parts/{name}.sdp")));
            let part = part.unwrap_or_else(|| panic!("no part and no value is called {name}"));
            let own = words.map(|word| word.split_once('=').unwrap_or_else(|| panic!("{word} in {line}")));
            let mut inner: Vec<(String, String)> =
                own.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            inner.extend_from_slice(values);
            expand(&part, &inner).trim_end_matches('\n').to_owned()
        }
    };
    let whole = format!("{before}{value}{after}");
    (!whole.is_empty()).then_some(whole).map(|whole| {
        if after.contains("{{") { expand_line(&whole, values).unwrap_or_default() } else { whole }
    })
}

#[test]
fn parts_are_put_in_and_a_line_without_a_value_goes() {
    let values = [("status".to_owned(), "486".to_owned())];
    assert!(scenario("caller-refused", &values).contains("<recv response=\"486\"/>"));
    let register = scenario("register", &[]);
    assert!(register.contains("Expires: 300\nContent-Length"), "{register}");
    assert!(register.contains("Expires: 300\n[authentication]\nContent-Length"), "{register}");
}
