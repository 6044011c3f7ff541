//! Buying: cart, checkout with everything behind it, and where is my parcel.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;

use super::super::calls::{Http, Query, consumer_attributes, spec_on_any_pod};
use super::super::failures::{CARD_DECLINED, DEADLOCK, OUT_OF_STOCK, Outcome, PROVIDER_TIMEOUT};
use super::super::random::Latency;
use super::super::shop::{Layer, Service};
use super::super::story::{Call, Level, Message, Story};
use super::super::values::attribute;
use super::{PRODUCTS, Shopper, visit};

/// How often checkout tries a reservation before it gives up.
const RESERVE_ATTEMPTS: u32 = 3;
/// How long payment waits for the acquirer.
const ACQUIRER_TIMEOUT_NS: u64 = 3_000_000_000;

/// An order on its way through checkout.
#[derive(Debug)]
struct Order {
    id: String,
    total_cents: i64,
    lines: i64,
}

/// A command to the shop's Redis.
pub(super) fn redis<'a>(operation: &'static str, text: &'a str) -> Query<'a> {
    Query {
        system: "redis",
        host: "cart-cache",
        port: 6379,
        namespace: "0",
        operation,
        collection: "",
        text,
    }
}

fn orders_query<'a>(operation: &'static str, text: &'a str) -> Query<'a> {
    Query {
        system: "postgresql",
        host: "orders-db",
        port: 5432,
        namespace: "orders",
        operation,
        collection: "orders",
        text,
    }
}

/// Puts a product into the cart.
pub(super) fn add_to_cart(story: &mut Story<'_>, shopper: &Shopper) -> Outcome {
    let request = Http {
        method: "POST",
        route: "/cart/items",
        path: "/cart/items",
    };
    let product = shopper.product;
    visit(story, shopper, &request, |storefront| {
        super::browse::stock(storefront, &format!("/stock/{}", product.sku))?;
        let path = format!("/carts/{}/items", shopper.user_id);
        let request = Http {
            method: "POST",
            route: "/carts/{user}/items",
            path: &path,
        };
        storefront.http(Service::Cart, &request, |cart| {
            let quantity = cart.dice().between(1, 4);
            cart.set("shop.product.sku", product.sku);
            cart.set("shop.product.quantity", quantity);
            let text = format!(
                "HINCRBY cart:{} {} {quantity}",
                shopper.user_id, product.sku
            );
            cart.query(&redis("HINCRBY", &text), Latency::us(420))?;
            let text = format!("EXPIRE cart:{} 604800", shopper.user_id);
            cart.query(&redis("EXPIRE", &text), Latency::us(280))?;
            cart.log(
                Level::Info,
                format!(
                    "added {quantity} × {} to cart of {}",
                    product.name, shopper.user_id
                ),
                vec![
                    attribute("enduser.id", shopper.user_id.as_str()),
                    attribute("shop.product.sku", product.sku),
                ],
            );
            Ok(())
        })
    })
}

/// The whole way from the button to the parcel.
pub(super) fn checkout(story: &mut Story<'_>, shopper: &Shopper) -> Outcome {
    let request = Http {
        method: "POST",
        route: "/checkout",
        path: "/checkout",
    };
    let lines = story.dice.between(1, 5);
    let order = Order {
        id: format!("ord-{}", story.dice.hex::<6>()),
        total_cents: shopper.product.price_cents + (lines - 1) * PRODUCTS[1].price_cents,
        lines,
    };
    visit(story, shopper, &request, |storefront| {
        storefront.grpc(
            Service::Checkout,
            "shop.v1.Checkout",
            "PlaceOrder",
            |checkout| {
                checkout.set("shop.order.id", order.id.as_str());
                checkout.set("shop.order.lines", order.lines);
                checkout.set("shop.currency", shopper.currency);
                checkout.set("enduser.id", shopper.user_id.as_str());
                let outcome = place_order(checkout, shopper, &order);
                if let Err(failure) = &outcome {
                    let body = format!("order {} failed: {}", order.id, failure.message);
                    let level = if failure.is_server_fault() {
                        Level::Error
                    } else {
                        Level::Warn
                    };
                    checkout.log(
                        level,
                        body,
                        vec![
                            attribute("shop.order.id", order.id.as_str()),
                            attribute("error.type", failure.fault.exception),
                        ],
                    );
                }
                outcome
            },
        )
    })
}

fn place_order(checkout: &mut Call<'_, '_>, shopper: &Shopper, order: &Order) -> Outcome {
    let path = format!("/carts/{}", shopper.user_id);
    let request = Http {
        method: "GET",
        route: "/carts/{user}",
        path: &path,
    };
    checkout.http(Service::Cart, &request, |cart| {
        let text = format!("HGETALL cart:{}", shopper.user_id);
        cart.query(&redis("HGETALL", &text), Latency::us(500))
    })?;
    let quoted = checkout.fork(|checkout| quote(checkout));
    let reserved = checkout.fork(|checkout| reserve(checkout, shopper, order));
    checkout.join();
    quoted.and(reserved)?;
    charge(checkout, shopper, order)?;
    let text = "INSERT INTO orders (id, user_id, total_cents, currency, status) VALUES ($1, $2, $3, $4, 'paid')";
    checkout.query(&orders_query("INSERT", text), Latency::ms(3))?;
    let message = checkout.publish("orders", &order.id);
    checkout.log(
        Level::Info,
        format!(
            "order {} placed: {} lines, {}.{:02} {}",
            order.id,
            order.lines,
            order.total_cents / 100,
            order.total_cents % 100,
            shopper.currency
        ),
        vec![
            attribute("shop.order.id", order.id.as_str()),
            attribute("shop.order.total_cents", order.total_cents),
            attribute("enduser.id", shopper.user_id.as_str()),
        ],
    );
    fulfil(checkout, &message, order);
    checkout.story.mail.push(message);
    Ok(())
}

fn quote(checkout: &mut Call<'_, '_>) -> Outcome {
    let request = Http {
        method: "POST",
        route: "/quotes",
        path: "/quotes",
    };
    checkout.http(Service::Shipping, &request, |shipping| {
        shipping.work(Latency::ms(2));
        shipping.set("shop.shipping.carrier", "parcel-express");
        Ok(())
    })
}

/// Reserves stock; a deadlock is tried again, because the other side has won by then.
fn reserve(checkout: &mut Call<'_, '_>, shopper: &Shopper, order: &Order) -> Outcome {
    let mut attempt = 1;
    loop {
        let outcome = reserve_once(checkout, shopper, order);
        let Err(failure) = &outcome else {
            return outcome;
        };
        if failure.fault.exception != DEADLOCK.exception || attempt == RESERVE_ATTEMPTS {
            return outcome;
        }
        let attributes = vec![
            attribute("shop.order.id", order.id.as_str()),
            attribute("retry.attempt", i64::from(attempt)),
        ];
        checkout.event("retry", attributes.clone());
        checkout.log(
            Level::Warn,
            format!("reservation for {} failed, trying again", order.id),
            attributes,
        );
        checkout.work(Latency::ms(25).times(attempt));
        attempt += 1;
    }
}

fn reserve_once(checkout: &mut Call<'_, '_>, shopper: &Shopper, order: &Order) -> Outcome {
    let request = Http {
        method: "POST",
        route: "/reservations",
        path: "/reservations",
    };
    let weather = checkout.weather();
    checkout.http(Service::Inventory, &request, |inventory| {
        inventory.set("shop.order.id", order.id.as_str());
        let query = Query {
            system: "postgresql",
            host: "inventory-db",
            port: 5432,
            namespace: "inventory",
            operation: "UPDATE",
            collection: "stock",
            text: "UPDATE stock SET quantity = quantity - %s WHERE sku = %s AND quantity >= %s",
        };
        let deadlock = inventory.dice().chance(weather.deadlock);
        // PostgreSQL looks for deadlocks after it has waited a second.
        let latency = if deadlock { Latency::ms(1010) } else { Latency::ms(3) };
        let outcome = inventory.query_then(&query, latency, |update| {
            if !deadlock {
                return Ok(());
            }
            update.set("db.response.status_code", "40P01");
            let process = update.dice().between(2000, 9000);
            update.raise(DEADLOCK.because(format!(
                "deadlock detected: process {process} waits for ShareLock on transaction {}; blocked by process {}",
                process * 97 + 1_000_000,
                process + 11
            )))
        });
        if let Err(failure) = outcome {
            inventory.log_failure(format!("could not reserve stock for {}", order.id), &failure);
            return Err(failure);
        }
        if inventory.dice().chance(0.012) {
            let failure = OUT_OF_STOCK.because(shopper.product.sku);
            inventory.log(
                Level::Warn,
                format!("{} is out of stock", shopper.product.sku),
                vec![attribute("shop.product.sku", shopper.product.sku)],
            );
            return inventory.raise(failure);
        }
        Ok(())
    })
}

fn charge(checkout: &mut Call<'_, '_>, shopper: &Shopper, order: &Order) -> Outcome {
    let request = Http {
        method: "POST",
        route: "/charges",
        path: "/charges",
    };
    let weather = checkout.weather();
    checkout.http(Service::Payment, &request, |payment| {
        payment.set("shop.order.id", order.id.as_str());
        payment.set("shop.payment.amount_cents", order.total_cents);
        payment.set("shop.currency", shopper.currency);
        payment.work(Latency::ms(2));
        let timeout = payment.dice().chance(weather.provider_timeout);
        let declined = payment.dice().chance(0.03);
        let outcome = payment.partner("POST", "api.acquirer.example", "/v2/authorizations", |bank| {
            if timeout {
                bank.wait_ns(ACQUIRER_TIMEOUT_NS);
                return bank.raise(PROVIDER_TIMEOUT.because("request timed out"));
            }
            bank.work(Latency::ms(140));
            if declined {
                return Err(CARD_DECLINED.because("insufficient funds"));
            }
            Ok(())
        });
        if let Err(failure) = outcome {
            if timeout {
                let body = format!("acquirer timeout after 3000 ms, {} is not paid", order.id);
                payment.log_failure(body, &failure);
            } else {
                payment.log(
                    Level::Warn,
                    format!("card for {} declined: {}", order.id, failure.message),
                    vec![attribute("shop.order.id", order.id.as_str())],
                );
            }
            return Err(failure);
        }
        let text = "insert into charges (order_id, amount_cents, currency, acquirer_ref) values (?, ?, ?, ?)";
        let ledger = Query {
            collection: "charges",
            ..orders_query("INSERT", text)
        };
        payment.query(&ledger, Latency::ms(3))?;
        payment.log(
            Level::Info,
            format!("charged {} cents for {}", order.total_cents, order.id),
            vec![
                attribute("shop.order.id", order.id.as_str()),
                attribute("shop.payment.method", "card"),
                attribute("shop.payment.amount_cents", order.total_cents),
            ],
        );
        Ok(())
    })
}

/// The worker takes the order from the queue, in the same trace but on its own time.
fn fulfil(checkout: &mut Call<'_, '_>, message: &Message, order: &Order) {
    let spec = spec_on_any_pod(
        checkout,
        Service::OrderWorker,
        Layer::Messaging,
        SpanKind::Consumer,
        "process orders".to_owned(),
    );
    let queued_ns = checkout.dice().latency_ns(Latency::ms(45));
    let outcome = checkout.deliver(message, queued_ns, spec, |worker| {
        consumer_attributes(worker, message, "order-worker");
        worker.set("shop.order.id", order.id.as_str());
        let text = "update orders set status = 'in_fulfilment' where id = ?";
        worker.query(&orders_query("UPDATE", text), Latency::ms(3))?;
        let request = Http {
            method: "POST",
            route: "/shipments",
            path: "/shipments",
        };
        worker.http(Service::Shipping, &request, |shipping| {
            shipping.work(Latency::ms(3));
            shipping.partner("POST", "api.parcel-express.example", "/labels", |carrier| {
                carrier.work(Latency::ms(85));
                Ok(())
            })?;
            let parcel = shipping.dice().between(10_000_000, 99_999_999);
            shipping.log(
                Level::Info,
                format!("label PX{parcel} printed for order {}", order.id),
                vec![attribute("shop.order.id", order.id.as_str())],
            );
            Ok(())
        })?;
        worker.log(
            Level::Info,
            format!("order {} handed to shipping", order.id),
            vec![attribute("shop.order.id", order.id.as_str())],
        );
        Ok(())
    });
    debug_assert!(outcome.is_ok(), "nothing in fulfilment fails");
}

/// Where is my parcel.
pub(super) fn track_order(story: &mut Story<'_>, shopper: &Shopper) -> Outcome {
    let order_id = format!("ord-{}", story.dice.hex::<6>());
    let path = format!("/orders/{order_id}");
    let request = Http {
        method: "GET",
        route: "/orders/{id}",
        path: &path,
    };
    visit(story, shopper, &request, |storefront| {
        let text = "SELECT id, status, parcel FROM orders WHERE id = $1 AND user_id = $2";
        storefront.query(&orders_query("SELECT", text), Latency::ms(2))?;
        let request = Http {
            method: "GET",
            route: "/shipments/{order}",
            path: "/shipments/latest",
        };
        storefront.http(Service::Shipping, &request, |shipping| {
            shipping.set("shop.order.id", order_id.as_str());
            shipping.partner("GET", "api.parcel-express.example", "/parcels", |carrier| {
                carrier.work(Latency::ms(60));
                Ok(())
            })
        })
    })
}
