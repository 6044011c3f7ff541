use std::borrow::Cow;

use super::*;
use crate::logql::labels::Kind;

fn render(template: &str) -> Result<String, String> {
    let mut labels = Labels::default();
    for (name, value) in [
        ("level", "Error"),
        ("path", "/api/orders"),
        ("took", "1m30s"),
        ("status", "503"),
        ("empty", ""),
    ] {
        labels.add(Cow::Borrowed(name), Cow::Borrowed(value), Kind::Metadata);
    }
    let template = Template::parse(template).map_err(|error| error.message)?;
    template.render(1_674_979_200_500_000_000, "the line", &labels)
}

fn check(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        assert_eq!(render(template).as_deref(), Ok(*expected), "{template}");
    }
}

#[test]
fn texts_and_conditions_are_as_documented() {
    check(&[
        ("plain", "plain"),
        ("{{.level}}: {{ __line__ }}", "Error: the line"),
        (
            "{{ .path | replace \"/\" \"_\" | trunc 5 | upper }}",
            "_API_",
        ),
        ("a {{- .nosuch -}} b", "ab"),
        ("{{ if eq .level \"Error\" }}!{{ else }}.{{ end }}", "!"),
        (
            "{{if hasPrefix \"x\" .path}}x{{else if contains \"api\" .path}}y{{else}}z{{end}}",
            "y",
        ),
        (
            "{{ if and (contains \"a\" .path) (not (eq .level \"x\")) }}yes{{end}}",
            "yes",
        ),
        (
            "{{ with .status }}<{{ . }}>{{ end }}{{ with .empty }}no{{ end }}",
            "<503>",
        ),
        (
            "{{ default \"-\" .empty }}{{ .level | default \"-\" }}",
            "-Error",
        ),
        (
            "{{ alignLeft 4 \"ab\" }}|{{ alignRight 4 \"ab\" }}|{{ alignRight 2 \"abc\" }}",
            "ab  |  ab|bc",
        ),
        ("{{ trunc -3 .path }} {{ substr 1 4 .path }}", "ers api"),
        (
            "{{ trimPrefix \"/\" .path }} {{ .path | trimAll \"/s\" }}",
            "api/orders api/order",
        ),
        (
            "{{ regexReplaceAll \"(a)pi\" .path \"${1}x\" }}",
            "/ax/orders",
        ),
        ("{{ count \"o|r\" .path }}", "3"),
        (
            "{{ title \"hello world\" }} {{ repeat 2 \"ab\" }}",
            "Hello World abab",
        ),
        ("{{ indent 2 \"a\\nb\" }}", "  a\n  b"),
    ]);
}

#[test]
fn numbers_and_times_are_as_documented() {
    check(&[
        (
            "{{ printf \"%-6s|%4d|%05.1f|%q\" .level 7 2.25 \"x\" }}",
            "Error |   7|002.2|\"x\"",
        ),
        ("{{ duration .took }} {{ bytes \"2KB\" }}", "90 2000"),
        (
            "{{ add 1 2 3 }} {{ sub 5 .status }} {{ div 7 2 }} {{ mod 7 2 }} {{ divf 1 4 }}",
            "6 -498 3 1 0.25",
        ),
        (
            "{{ round 2.345 2 }} {{ ceil 1.1 }} {{ floor 1.9 }} {{ max 1 3 2 }} {{ int \"3.7\" }}",
            "2.35 2 1 3 3",
        ),
        ("{{ b64enc \"hi\" }} {{ b64dec \"aGk=\" }}", "aGk= hi"),
        (
            "{{ urlencode \"a b/c\" }} {{ urldecode \"a+b%2Fc\" }}",
            "a+b%2Fc a b/c",
        ),
        (
            "{{ __timestamp__ | date \"2006-01-02T15:04:05.000Z07:00\" }}",
            "2023-01-29T08:00:00.500Z",
        ),
        (
            "{{ unixEpoch __timestamp__ }} {{ __timestamp__ | unixEpochMillis }}",
            "1674979200 1674979200500",
        ),
        (
            "{{ toDate \"2006-01-02\" \"2021-11-02\" | unixEpoch }}",
            "1635811200",
        ),
        (
            "{{ \"1679577215\" | unixToTime | date \"15:04\" }}",
            "13:13",
        ),
        ("{{ if gt (int .status) 500 }}bad{{ end }}", "bad"),
        ("{{/* a remark */}}x", "x"),
    ]);
}

#[test]
fn what_is_wrong_is_said() {
    for (template, part) in [
        ("{{ .level", "not closed"),
        ("{{ lowr .level }}", "no function `lowr`"),
        ("{{ if .level }}x", "has no end"),
        ("{{ end }}", "ends nothing"),
        ("{{ range .x }}{{ end }}", "`range` is not supported"),
        ("{{ $x := 1 }}", "variables"),
        ("{{ replace \"a\" .level }}", "takes 3 arguments and has 2"),
        ("{{ .level .path }}", "as if it were a function"),
        ("{{ (lower .level }}", "not closed"),
        ("{{ lower .level) }}", "unexpected `)`"),
        ("{{ }}", "missing"),
        ("{{ duration .level }}", "is no duration"),
        ("{{ add .level 1 }}", "is no number"),
        ("{{ div 1 0 }}", "divided by zero"),
        ("{{ repeat 100000000 \"abc\" }}", "longer than"),
        ("{{ fromJson .x }}", "no function `fromJson`"),
    ] {
        let error = render(template).unwrap_err();
        assert!(error.contains(part), "{template}: {error}");
    }
}
