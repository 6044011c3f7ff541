//! What shoppers do not see: mail, pictures, the nightly index, and loggers that talk to
//! themselves.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::super::calls::{Query, consumer_attributes};
use super::super::failures::{BAD_IMAGE, Outcome, SMTP_BUSY};
use super::super::random::{Dice, Latency};
use super::super::shop::{Layer, Service};
use super::super::story::{Call, Level, Message, Origin, SpanSpec, Story, Telemetry, log_record};
use super::super::values::attribute;
use super::super::weather::Weather;
use super::PRODUCTS;

/// The mailer takes a message from the queue in a trace of its own, linked to the order's.
/// Times count from `message.at_ns`.
pub(in super::super) fn confirm_by_mail(
    dice: &mut Dice,
    weather: Weather,
    message: &Message,
) -> Telemetry {
    let mut story = Story::new(dice, weather);
    let spec = single(
        Service::Email,
        Layer::Messaging,
        SpanKind::Consumer,
        "process orders",
    );
    let (Ok(()) | Err(_)) = story.root(spec, 0, vec![message.link()], |mailer| {
        consumer_attributes(mailer, message, "email");
        mailer.set("shop.order.id", message.key.as_str());
        let outcome = send_mail(mailer);
        if let Err(failure) = &outcome {
            mailer.fail(&failure.message);
            let body = format!("mail for {} not sent, left in the queue", message.key);
            mailer.log_failure(body, failure);
        }
        outcome
    });
    story.finish().0
}

fn send_mail(mailer: &mut Call<'_, '_>) -> Outcome {
    mailer.internal("render order_confirmation.mjml", |render| {
        render.work(Latency::ms(18));
        Ok(())
    })?;
    mailer.partner("POST", "smtp.mail.example", "/send", |smtp| {
        smtp.work(Latency::ms(70));
        if smtp.dice().chance(0.02) {
            return smtp.raise(SMTP_BUSY.because("450 4.7.1 greylisted, try again later"));
        }
        Ok(())
    })
}

/// A merchant uploads a picture; a function makes it small.
pub(super) fn upload(story: &mut Story<'_>) -> Outcome {
    let sku = story.dice.pick(&PRODUCTS).sku;
    let key = format!("originals/{sku}-{}.png", story.dice.hex::<4>());
    let spec = single(
        Service::ImageResizer,
        Layer::Server,
        SpanKind::Server,
        "image-resizer",
    );
    story.root(spec, 0, Vec::new(), |function| {
        function.set("faas.trigger", "datasource");
        let invocation = function.dice().hex::<16>();
        function.set("faas.invocation_id", invocation);
        let cold = function.dice().chance(0.25);
        function.set("faas.coldstart", cold);
        function.set("faas.document.collection", "shop-pictures");
        function.set("faas.document.operation", "insert");
        function.set("faas.document.name", key.as_str());
        if cold {
            function.internal("init", |init| {
                init.work(Latency::ms(380));
                Ok(())
            })?;
        }
        bucket(function, "GET", &key)?;
        function
            .internal("resize", |resize| {
                resize.set("image.width", 1200_i64);
                resize.set("image.height", 1200_i64);
                resize.work(Latency::ms(160));
                if resize.dice().chance(0.08) {
                    let failure =
                        BAD_IMAGE.because("Input buffer contains unsupported image format");
                    resize.log_failure(format!("cannot resize {key}"), &failure);
                    resize.fail(&failure.message);
                    return resize.raise(failure);
                }
                Ok(())
            })
            .inspect_err(|failure| function.fail(&failure.message))?;
        for size in [1200_i64, 600, 200] {
            bucket(function, "PUT", &format!("resized/{sku}@{size}.webp"))?;
        }
        function.log(
            Level::Info,
            format!("resized {key}"),
            vec![attribute("shop.product.sku", sku)],
        );
        Ok(())
    })
}

fn bucket(function: &mut Call<'_, '_>, method: &'static str, key: &str) -> Outcome {
    let path = format!("/{key}");
    function.partner(method, "shop-pictures.s3.example", &path, |s3| {
        s3.set("aws.s3.bucket", "shop-pictures");
        s3.set("aws.s3.key", key);
        s3.work(Latency::ms(35));
        Ok(())
    })
}

/// The catalogue writes its search index anew: one trace with hundreds of spans.
pub(super) fn reindex(story: &mut Story<'_>) -> Outcome {
    let batches = story.dice.between(120, 260);
    let spec = single(
        Service::Catalog,
        Layer::App,
        SpanKind::Internal,
        "reindex products",
    );
    story.root(spec, 0, Vec::new(), |job| {
        job.set("shop.job.name", "reindex-products");
        job.set("shop.job.batches", batches);
        for batch in 0..batches {
            job.internal("reindex batch", |step| {
                step.set("shop.job.batch", batch);
                let read = Query {
                    system: "postgresql",
                    host: "catalog-db",
                    port: 5432,
                    namespace: "catalog",
                    operation: "SELECT",
                    collection: "products",
                    text: "SELECT * FROM products ORDER BY sku LIMIT 500 OFFSET $1",
                };
                step.query(&read, Latency::ms(9))?;
                let write = Query {
                    system: "opensearch",
                    host: "search",
                    port: 9200,
                    namespace: "",
                    operation: "bulk",
                    collection: "products-v8",
                    text: "POST /_bulk",
                };
                step.query(&write, Latency::ms(22))
            })?;
        }
        job.log(
            Level::Info,
            format!("reindexed {} products in {batches} batches", batches * 500),
            vec![attribute("shop.job.name", "reindex-products")],
        );
        Ok(())
    })
}

/// A line of a service that talks to nobody: no trace, as half the lines of real systems.
pub(in super::super) fn chatter(dice: &mut Dice) -> Telemetry {
    let number = dice.between(1, 900);
    let (service, level, body) = match dice.between(0, 9) {
        0 => (
            Service::Payment,
            Level::Info,
            format!(
                "HikariPool-1 - Pool stats (total=10, active={}, idle={}, waiting=0)",
                number % 10,
                10 - number % 10
            ),
        ),
        1 => (
            Service::OrderWorker,
            Level::Debug,
            format!(
                "[Consumer clientId=order-worker-{}, groupId=order-worker] Heartbeat response received",
                number % 2 + 1
            ),
        ),
        2 => (
            Service::Pricing,
            Level::Warn,
            format!(
                "As of \"{number}ms\" ago, the heartbeat has been running longer than expected. This could be caused by thread pool starvation."
            ),
        ),
        3 => (
            Service::Gateway,
            Level::Info,
            format!(
                "health check passed for storefront ({} of 3 endpoints ready)",
                2 + number % 2
            ),
        ),
        4 => (
            Service::Recommendation,
            Level::Info,
            format!("model cache: {number} hits, {} misses", number / 30),
        ),
        5 => (
            Service::Catalog,
            Level::Debug,
            format!("gc {number} @{}s 2%: 0.021+1.3+0.004 ms clock", number * 7),
        ),
        6 => (
            Service::Storefront,
            Level::Info,
            format!(
                "{{\"level\":30,\"name\":\"storefront\",\"msg\":\"session store swept\",\"expired\":{number},\"alive\":{}}}",
                number * 4
            ),
        ),
        7 => (
            Service::Inventory,
            Level::Info,
            format!(
                "synchronised {number} stock levels from warehouse DE-{}",
                number % 4 + 1
            ),
        ),
        _ => (
            Service::Shipping,
            Level::Warn,
            format!("carrier api quota at {}%", 70 + number % 30),
        ),
    };
    let mut telemetry = Telemetry::default();
    let origin = Origin {
        service,
        pod: 0,
        layer: Layer::App,
    };
    let attributes = vec![attribute("log.iostream", "stdout")];
    telemetry
        .logs
        .push((origin, log_record(service, level, 0, body, attributes)));
    telemetry
}

fn single(service: Service, layer: Layer, kind: SpanKind, name: &str) -> SpanSpec {
    SpanSpec {
        origin: Origin {
            service,
            pod: 0,
            layer,
        },
        kind,
        name: name.to_owned(),
    }
}
