//! What happens in the shop: each scene is one trace, some are followed by others.

mod back_office;
mod browse;
mod buy;

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::calls::{Http, http_status};
use super::failures::Outcome;
use super::random::{Dice, Latency};
use super::shop::{Layer, Service};
use super::story::{Call, Level, Message, Origin, SpanSpec, Story, Telemetry};
use super::values::attribute;
use super::weather::Weather;

pub(super) use back_office::{chatter, confirm_by_mail};

/// A kind of trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    Home,
    Product,
    Search,
    AddToCart,
    Checkout,
    TrackOrder,
    Upload,
    Reindex,
}

/// How often each scene is played, out of 1000.
const PLAYBILL: [(Scene, i64); 8] = [
    (Scene::Home, 200),
    (Scene::Product, 310),
    (Scene::Search, 150),
    (Scene::AddToCart, 150),
    (Scene::Checkout, 120),
    (Scene::TrackOrder, 48),
    (Scene::Upload, 20),
    (Scene::Reindex, 2),
];

/// Draws a scene.
pub(super) fn draw(dice: &mut Dice) -> Scene {
    let mut at = dice.between(0, 1000);
    for (scene, weight) in PLAYBILL {
        at -= weight;
        if at < 0 {
            return scene;
        }
    }
    Scene::Product
}

/// Plays a scene: its records, and the messages that wait for a trace of their own.
pub(super) fn play(scene: Scene, dice: &mut Dice, weather: Weather) -> (Telemetry, Vec<Message>) {
    let shopper = Shopper::new(dice);
    let mut story = Story::new(dice, weather);
    // A scene that fails is a scene as good as any other: its spans say that it failed.
    let (Ok(()) | Err(_)) = match scene {
        Scene::Home => browse::home(&mut story, &shopper),
        Scene::Product => browse::product(&mut story, &shopper),
        Scene::Search => browse::search(&mut story, &shopper),
        Scene::AddToCart => buy::add_to_cart(&mut story, &shopper),
        Scene::Checkout => buy::checkout(&mut story, &shopper),
        Scene::TrackOrder => buy::track_order(&mut story, &shopper),
        Scene::Upload => back_office::upload(&mut story),
        Scene::Reindex => back_office::reindex(&mut story),
    };
    story.finish()
}

/// A thing to buy.
#[derive(Debug, Clone, Copy)]
struct Product {
    sku: &'static str,
    name: &'static str,
    price_cents: i64,
}

const PRODUCTS: [Product; 10] = [
    product("OLJCESPC7Z", "Refracting telescope", 34_900),
    product("66VCHSJNUP", "Star atlas", 2_450),
    product("1YMWWN1N4O", "Eclipse glasses", 990),
    product("L9ECAV7KIM", "Lens cleaning kit", 1_590),
    product("2ZYFJ3GM2N", "Roof binoculars", 20_900),
    product("0PUK6V6EV0", "Solar system mobile", 3_995),
    product("LS4PSXUNUM", "Red flashlight", 1_250),
    product("9SIQT8TOJO", "Optical tube assembly", 359_900),
    product("6E92ZMYYFZ", "Solar filter", 6_995),
    product("HQTGWGPNH4", "The comet book", 1_100),
];

const fn product(sku: &'static str, name: &'static str, price_cents: i64) -> Product {
    Product {
        sku,
        name,
        price_cents,
    }
}

const USER_AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "shop-android/8.14.2 (Android 16; Pixel 9)",
];

/// Who is at the other end.
#[derive(Debug)]
struct Shopper {
    user_id: String,
    session_id: String,
    address: String,
    user_agent: &'static str,
    currency: &'static str,
    product: Product,
}

impl Shopper {
    fn new(dice: &mut Dice) -> Self {
        Self {
            user_id: format!("u-{}", dice.between(10_000, 13_000)),
            session_id: dice.hex::<16>(),
            // From the blocks that RFC 5737 sets aside for examples.
            address: format!(
                "{}.{}",
                dice.pick(&["192.0.2", "198.51.100", "203.0.113"]),
                dice.between(1, 255)
            ),
            user_agent: dice.pick(&USER_AGENTS),
            currency: dice.pick(&["EUR", "EUR", "EUR", "USD", "GBP", "CHF"]),
            product: dice.pick(&PRODUCTS),
        }
    }
}

/// A shopper's request comes in at the gateway, which passes it to the storefront.
fn visit<'d>(
    story: &mut Story<'d>,
    shopper: &Shopper,
    request: &Http<'_>,
    tell: impl FnOnce(&mut Call<'_, 'd>) -> Outcome,
) -> Outcome {
    let pod = u8::from(story.dice.chance(0.5));
    let spec = SpanSpec {
        origin: Origin {
            service: Service::Gateway,
            pod,
            layer: Layer::Server,
        },
        kind: SpanKind::Server,
        name: format!("{} {}", request.method, request.route),
    };
    story.root(spec, 0, Vec::new(), |gateway| {
        gateway.set("http.request.method", request.method);
        gateway.set("http.route", request.route);
        gateway.set("url.path", request.path);
        gateway.set("url.scheme", "https");
        gateway.set("server.address", "shop.example");
        gateway.set("client.address", shopper.address.as_str());
        gateway.set("user_agent.original", shopper.user_agent);
        gateway.set("network.protocol.version", "2");
        gateway.set("session.id", shopper.session_id.as_str());
        gateway.work(Latency::us(600));
        let outcome = gateway.http(Service::Storefront, request, |storefront| {
            storefront.set("enduser.id", shopper.user_id.as_str());
            storefront.work(Latency::ms(2));
            let outcome = tell(storefront);
            storefront.work(Latency::ms(3));
            outcome
        });
        gateway.work(Latency::us(300));
        http_status(gateway, &outcome, false);
        access_log(gateway, shopper, request, &outcome);
        outcome
    })
}

fn access_log(call: &mut Call<'_, '_>, shopper: &Shopper, request: &Http<'_>, outcome: &Outcome) {
    let status = outcome
        .as_ref()
        .map_or_else(|failure| failure.fault.http_status, |()| 200);
    let bytes = call.dice().between(400, 48_000);
    let elapsed_ms = call.elapsed_ms();
    let level = match status {
        500.. => Level::Error,
        400.. => Level::Warn,
        _ => Level::Info,
    };
    let line = format!(
        "{} \"{} {} HTTP/2\" {status} {bytes} {elapsed_ms}ms",
        shopper.address, request.method, request.path
    );
    let attributes = vec![
        attribute("http.request.method", request.method),
        attribute("http.route", request.route),
        attribute("http.response.status_code", status),
        attribute("http.response.body.size", bytes),
        attribute("client.address", shopper.address.as_str()),
    ];
    call.log(level, line, attributes);
}
