use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::body::Body;
use http::Request;
use http::header::ALLOW;
use serde_json::Value;
use tower::ServiceExt;

use crate::QueryOptions;
use crate::testing::House;

fn document() -> Value {
    serde_json::to_value(super::document()).unwrap()
}

/// Methods by path, as the document has them.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .map(|(path, item)| {
            let methods = item.as_object().unwrap().keys();
            (path.clone(), methods.map(|m| m.to_uppercase()).collect())
        })
        .collect()
}

/// Paths of a router: axum tells them in no other way.
fn routed(router: &Router) -> BTreeSet<String> {
    let told = format!("{router:?}");
    let quoted = told.split('"').skip(1).step_by(2);
    quoted
        .filter(|text| text.starts_with("/api/"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn what_is_routed_is_documented_and_the_other_way_round() {
    let house = House::new().await;
    let router = house.limited(QueryOptions::default()).merge(house.admin());
    let documented = documented();
    let known: BTreeSet<String> = documented.keys().cloned().collect();
    assert_eq!(routed(&router), known);
    for (path, methods) in documented {
        let request = Request::options(path.replace(['{', '}'], "0"))
            .body(Body::empty())
            .unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let allowed = response.headers()[ALLOW].to_str().unwrap();
        let allowed: BTreeSet<String> = allowed
            .split(',')
            .filter(|method| *method != "HEAD")
            .map(str::to_owned)
            .collect();
        assert_eq!(allowed, methods, "{path}");
    }
}

#[test]
fn references_lead_somewhere_and_operations_have_names_of_their_own() {
    let document = document();
    let mut references = Vec::new();
    each(&document, &mut |key, value| {
        if key == "$ref" {
            references.push(value.as_str().unwrap().to_owned());
        }
    });
    assert!(references.len() > 100);
    for reference in references {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} comes twice");
            let lacks = |what: &str| format!("{method} {path} has no {what}");
            assert!(operation["summary"].is_string(), "{}", lacks("summary"));
            let tag = &operation["tags"][0];
            let mut tags = document["tags"].as_array().unwrap().iter();
            assert!(tags.any(|known| known["name"] == *tag), "{}", lacks("tag"));
            let shown =
                |kind: &Value| kind["example"] != Value::Null || kind["examples"] != Value::Null;
            let of_success = ["200", "201"].map(|status| &operation["responses"][status]);
            let answers = of_success.iter().filter_map(|answer| answer.as_object());
            for kind in answers.flat_map(|answer| answer["content"].as_object().unwrap().values()) {
                assert!(shown(kind), "{}", lacks("example"));
            }
        }
    }
}

/// Every key with its value, at any depth.
fn each(value: &Value, visit: &mut impl FnMut(&str, &Value)) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                visit(key, value);
                each(value, visit);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| each(item, visit)),
        _ => {}
    }
}

/// Names under which the types of a source file are schemas.
fn schema_names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    // The attributes and comments of a type, from the line that derives on.
    let mut named_otherwise = None;
    let mut derives = false;
    for line in source.lines().map(str::trim) {
        derives |= line.contains("derive(") && line.contains("ToSchema");
        if let Some((_, name)) = line.split_once("schema(as = ") {
            named_otherwise = name.split([',', ')']).next();
        }
        if let Some((_, name)) = line.split_once("Cow::Borrowed(\"") {
            names.extend(name.split('"').next().map(str::to_owned));
        }
        let words: Vec<&str> = line.split([' ', '(', '<', '{', ';']).collect();
        let kind = words
            .iter()
            .position(|word| ["struct", "enum"].contains(word));
        let Some(name) = kind.and_then(|at| words.get(at + 1)) else {
            continue;
        };
        if !line.starts_with("//") {
            let name = named_otherwise.take().unwrap_or(name);
            names.extend(std::mem::take(&mut derives).then(|| name.to_owned()));
        }
    }
    names
}

fn add_schema_names(folder: &std::path::Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            add_schema_names(&path, names);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            names.extend(schema_names(&std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Of two schemas of one name the document would have one, without a word.
#[test]
fn no_two_schemas_have_one_name() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut names = Vec::new();
    for folder in ["src", "../server/src"] {
        add_schema_names(&here.join(folder), &mut names);
    }
    let mut seen = BTreeSet::new();
    for name in &names {
        assert!(seen.insert(name), "two types are the schema {name}");
    }
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for name in schemas.keys() {
        assert!(seen.contains(name), "{name} was not found in the sources");
    }
}

#[test]
fn names_of_schemas_are_found_in_sources() {
    let source = "
        #[derive(Debug, ToSchema)]
        #[schema(as = Failures)]
        struct Content { a: u64 }
        struct Other(String);
        #[derive(ToSchema)]
        /// A struct of bytes.
        pub(crate) enum Kind {
        fn name() -> Cow<'static, str> { Cow::Borrowed(\"Time\") }";
    assert_eq!(schema_names(source), ["Failures", "Kind", "Time"]);
}
