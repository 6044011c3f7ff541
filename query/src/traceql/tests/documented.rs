//! What the documents show can be read: ours, and the kinds of examples that Tempo documents.

use crate::testing::documented;
use crate::traceql::parse;

#[test]
fn every_example_of_the_documents_can_be_read() {
    let examples = documented("traceql");
    assert!(examples.len() > 15, "{examples:?}");
    for example in examples {
        parse(&example).unwrap_or_else(|error| panic!("{example}: {error:?}"));
    }
}

#[test]
fn queries_as_tempo_documents_them_can_be_read() {
    for query in [
        "{}",
        "{resource.service.name = \"frontend\" && name = \"POST /api/orders\"}",
        "{\n  resource.service.namespace = \"ecommerce\" &&\n  resource.service.name = \"frontend\" &&\n  name = \"POST /api/orders\"\n}",
        "{span.service.name=\"frontend\" && name = \"GET /api/products/{id}\"} && {span.db.system=\"postgresql\"}",
        "{ span.http.request.header.Accept !~ \"application.*\" }",
        "{ } !< { resource.service.name = \"productcatalogservice\" }",
        "{ resource.service.name = \"a\" } ~ { resource.service.name=\"b\" }",
        "{ span:childCount > 10 }",
        "{ resource.cluster = \"prod\" && trace:duration > 2s } | count() > 30",
        "{ resource.k8s.cluster.name=\"c\" && trace:rootName !~ \".*perf.*\"}",
        "{ trace:id = \"1234567890abcde\" && link:spanID = \"0000000000000001\" }",
        "{ event:timeSinceStart > -5s }",
        "{ span.attribute.\"attribute name with space\" = \"value\" }",
        "{ span.value != minInt && span.value != maxInt }",
        "{ instrumentation.language = \"java\" && instrumentation:version = \"1.0.0\" }",
        "{ span.http.url = \"/path\" && status = error } &>> { status = error }",
        "avg(duration) > 20ms",
        "{ status = error } | by(resource.service.name) | count() > 1",
        "{ span.http.request_content_length > 10 * 1024 * 1024 }",
        "{ span.foo = \"bar\" } >> { status = error } with (most_recent=true)",
        "{nestedSetParent<0 && true && resource.service.name != nil}",
    ] {
        parse(query).unwrap_or_else(|error| panic!("{query}: {error:?}"));
    }
}
